// Child tasks, as a handler starts and awaits them, and what the end of an awaited task comes to. Pure.

import { PermanentError, type StepFailure, TaskCancelled, TaskFailed, TaskTimedOut } from "./errors.ts";
import { encode } from "./json.ts";
import { isObject } from "./protocol.ts";
import type { Duration } from "./durations.ts";

/** A task that a handler has started; `Result` is what it will come to. */
export interface ChildTask<Result = unknown> {
  readonly id: string;
  readonly name: string;
  /** For types only: never there. */
  readonly result?: Result;
}

/** Options of `ctx.startTask`. */
export interface StartOptions {
  /** By which later runs of the step find the same child. The template's name by default; used once in a handler. */
  readonly name?: string | undefined;
  /** The one registered last by default. */
  readonly version?: string | undefined;
  /** What becomes of the child when this task ends before its work is done. `cancel` by default. */
  readonly onParentEnd?: "cancel" | "leave" | undefined;
  /** This task's by default. */
  readonly priority?: "lowest" | "low" | "normal" | "high" | "highest" | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly context?: Readonly<Record<string, unknown>> | undefined;
}

/** Options of `ctx.waitTask`. */
export interface WaitTaskOptions {
  /** How long to wait; for ever by default. */
  readonly timeout?: Duration | undefined;
  /** Whether a task that is blocked by failures, and may be mended, ends the wait. `wait` by default. */
  readonly onBlocked?: "wait" | "raise" | undefined;
}

/** A child to start: its name, and the params of `start_task` but `run`, as JSON's members. */
export interface NewChild {
  readonly name: string;
  readonly members: string;
}

/** Read what is to be started. Throws PermanentError for what names no template, ContractError for what is no JSON. */
export function newChild(template: string, input: unknown, options: StartOptions): NewChild {
  const [namespace, short, ...more] = template.split("/");
  if (!namespace || !short || more.length > 0) {
    throw new PermanentError(`"${template}" names no template: write "namespace/name"`);
  }
  const name = options.name ?? short;
  const members: Record<string, string> = {
    name: encode(name, "name"),
    template: encode(template, "template"),
    input: encode(input, `the input of ${name}`),
  };
  if (options.version !== undefined) members["version"] = encode(options.version, "version");
  if (options.onParentEnd !== undefined) members["on_parent_end"] = encode(options.onParentEnd, "onParentEnd");
  if (options.priority !== undefined) members["priority"] = encode(options.priority, "priority");
  if (options.tags !== undefined) members["tags"] = encode(options.tags, "tags");
  if (options.context !== undefined) members["context"] = encode(options.context, "context");
  const text = Object.entries(members).map(([key, value]) => `"${key}":${value}`);
  return { name, members: text.join(",") };
}

/** A task's id as it is sent. Throws PermanentError when it is none. */
export function readTaskId(given: string): string {
  const digits = given.toLowerCase().replaceAll("-", "");
  if (!/^[0-9a-f]{32}$/.test(digits)) throw new PermanentError(`"${given}" is no task's id`);
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** The result of an awaited task, from what its end saved. Throws what `ctx.waitTask` throws. */
export function readEnd(saved: unknown, taskId: string): unknown {
  if (!isObject(saved)) throw new PermanentError(`what came of task ${taskId} cannot be read`);
  if (saved["timeout"] === true) throw new TaskTimedOut(taskId);
  const reason = typeof saved["reason"] === "string" ? saved["reason"] : null;
  switch (saved["state"]) {
    case "complete":
    case "resolved_manually":
      return saved["result"];
    case "cancelled":
      throw new TaskCancelled(taskId, reason);
    case null:
    case undefined:
      throw new PermanentError(`there is no task ${taskId}: it may have been pruned`);
    default:
      throw new TaskFailed(taskId, String(saved["state"]), (saved["errors"] ?? []) as StepFailure[], reason);
  }
}

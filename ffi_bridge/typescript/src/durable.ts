// Code in a handler that survives crashes and waits: what it has done is saved, and what it waits for takes no place.
//
// A handler that waits is left, and later run again from its beginning. What it had saved, and what its waits came to,
// it finds by their names; so the names, and their order, must be the same in each run.

import { type Approval, type AskOptions, makeQuestion, readAnswer } from "./approvals.ts";
import { type ChildTask, newChild, readEnd, readTaskId, type StartOptions, type WaitTaskOptions } from "./children.ts";
import { decode } from "./decode.ts";
import { type Duration, toSeconds } from "./durations.ts";
import { EventTimedOut, PermanentError, RetryableError } from "./errors.ts";
import { encode, storable } from "./json.ts";
import { isObject, type Waiting } from "./protocol.ts";
import { Suspended } from "./waiting.ts";

/** How far a handler had come, and what it had by then. */
export interface Checkpoint<Cursor = unknown, Partial = unknown> {
  /** How far it had come. */
  readonly cursor: Cursor;
  /** What it had; null when nothing was given. */
  readonly partial: Partial;
}

/** What a run can ask of the worker while it is open. Values are JSON. */
export interface Services {
  /** Whether it is stored; false when the lease was lost. */
  checkpoint(name: string, value: string, replace: boolean): Promise<boolean>;
  /** The task's id; null when the lease was lost. `members` are the request's but `run`. */
  startTask(members: string): Promise<string | null>;
  progress(done: number, total: number | undefined, note: string | undefined): void;
  log(level: "debug" | "info" | "warning" | "error", message: string, fields?: unknown): void;
}

/** What one run of a handler has saved, has started and has waited for. */
export class Durable {
  readonly #saved: Readonly<Record<string, unknown>>;
  readonly #services: Services;
  readonly #mayGoOn: () => void;
  readonly #used = new Set<string>();
  readonly #awaited = new Map<string, number>();
  readonly #underWay = new Set<Promise<unknown>>();
  #suspended: Suspended | undefined;

  /** `mayGoOn` throws when the run should do nothing more. */
  constructor(saved: Readonly<Record<string, unknown>>, services: Services, mayGoOn: () => void) {
    this.#saved = saved;
    this.#services = services;
    this.#mayGoOn = mayGoOn;
  }

  /** The wait that this run has come to, whether the handler let it pass or not. */
  get suspended(): Suspended | undefined {
    return this.#suspended;
  }

  /** Resolves when nothing is under way that would be saved. Never rejects. */
  async settle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
  }

  async run<T>(name: string, work: () => T | Promise<T>): Promise<T> {
    const key = this.#use("run", name);
    if (this.#has(key)) return this.#saved[key] as T;
    const call = this.#callAndSave(key, name, work);
    this.#underWay.add(call);
    try {
      return await call;
    } finally {
      this.#underWay.delete(call);
    }
  }

  get last(): Checkpoint | null {
    const saved = this.#saved["checkpoint"];
    return isObject(saved) ? { cursor: saved["cursor"] ?? null, partial: saved["partial"] ?? null } : null;
  }

  async checkpoint(cursor: unknown, partial: unknown): Promise<void> {
    this.#check();
    const value = `{"cursor":${encode(cursor, "a checkpoint's cursor")},"partial":${encode(partial, "a checkpoint's partial")}}`;
    if (!(await this.#services.checkpoint("checkpoint", value, true))) {
      throw new RetryableError("the lease was lost, so the checkpoint was not saved");
    }
  }

  async sleep(duration: Duration, name: string | undefined): Promise<void> {
    const sleeps = [...this.#used].filter((key) => key.startsWith("sleep:")).length;
    const key = this.#use("sleep", name ?? String(sleeps + 1));
    if (!this.#has(key)) this.#suspend({ name: key, seconds: seconds(key, duration) });
  }

  async waitEvent(event: string, timeout: Duration | undefined): Promise<unknown> {
    const key = this.#use("event", event);
    if (!this.#has(key)) this.#suspend({ name: key, event, ...limit(key, timeout) });
    const saved = this.#saved[key];
    if (isObject(saved) && "event" in saved) return saved["event"];
    throw new EventTimedOut(`event ${event} did not come in time`);
  }

  async ask(name: string, options: AskOptions): Promise<Approval> {
    const key = this.#use("ask", name);
    const approval = makeQuestion(name, options);
    if (!this.#has(key)) this.#suspend({ name: key, ...limit(key, options.timeout), approval });
    return readAnswer(name, this.#saved[key], options);
  }

  async startTask(template: string, input: unknown, options: StartOptions): Promise<ChildTask> {
    const child = newChild(template, input, options);
    const key = this.#use("start", child.name);
    if (this.#has(key)) return { id: String(this.#saved[key]), name: child.name };
    const id = await this.#services.startTask(child.members);
    if (id === null) throw new RetryableError(`the lease was lost, so ${child.name} was not started`);
    return { id, name: child.name };
  }

  async waitTask(task: ChildTask | string, options: WaitTaskOptions): Promise<unknown> {
    const [id, name] = typeof task === "string" ? [readTaskId(task), task] : [readTaskId(task.id), task.name];
    const { onBlocked = "wait" } = options;
    if (onBlocked !== "wait" && onBlocked !== "raise") {
      throw new PermanentError(`onBlocked is ${JSON.stringify(onBlocked)}; it is "wait" or "raise"`);
    }
    const again = (this.#awaited.get(name) ?? 0) + 1;
    this.#awaited.set(name, again);
    const key = this.#use("task", again === 1 ? name : `${name}#${again}`);
    if (!this.#has(key)) {
      this.#suspend({ name: key, task: id, ...limit(key, options.timeout), until_blocked: onBlocked === "raise" });
    }
    return readEnd(this.#saved[key], id);
  }

  #has(key: string): boolean {
    return Object.hasOwn(this.#saved, key);
  }

  async #callAndSave<T>(key: string, name: string, work: () => T | Promise<T>): Promise<T> {
    const text = encode(await work(), `what run ${name} returns`);
    this.#mayGoOn();
    if (!(await this.#services.checkpoint(key, text, false))) {
      throw new RetryableError(`the lease was lost, so ${name} was not saved`);
    }
    return decode(text) as T; // what later runs find, to the letter
  }

  #suspend(waiting: Waiting): never {
    this.#suspended = new Suspended(waiting);
    throw this.#suspended;
  }

  #check(): void {
    if (this.#suspended !== undefined) throw this.#suspended;
    this.#mayGoOn();
  }

  #use(kind: string, name: string): string {
    this.#check();
    const length = [...name].length;
    if (length < 1 || length > 255) {
      throw new PermanentError(`the name of a ${kind} has 1 to 255 characters, not ${length}`);
    }
    if (storable(name) !== name) throw new PermanentError(`the name of a ${kind} holds what is no text: ${storable(name)}`);
    const key = `${kind}:${name}`;
    if (this.#used.has(key)) throw new PermanentError(`two ${kind}s are named ${name} in one run of a handler`);
    this.#used.add(key);
    return key;
  }
}

function limit(what: string, timeout: Duration | undefined): { seconds?: number } {
  return timeout === undefined ? {} : { seconds: seconds(what, timeout) };
}

function seconds(what: string, duration: Duration): number {
  try {
    return toSeconds(duration);
  } catch (error) {
    throw new PermanentError(`${what}: ${(error as Error).message}`);
  }
}

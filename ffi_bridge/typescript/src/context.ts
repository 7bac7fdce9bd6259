// What a handler can know and do about the attempt that it is. Reads the clock; the rest goes through `Services`.

import type { Approval, AskOptions } from "./approvals.ts";
import type { ChildTask, StartOptions, WaitTaskOptions } from "./children.ts";
import { type Checkpoint, Durable, type Services } from "./durable.ts";
import type { Duration } from "./durations.ts";
import { PermanentError, RunCancelled } from "./errors.ts";
import type { Execute } from "./protocol.ts";

/** The step that a compensation undoes. */
export interface UndoneStep {
  readonly name: string;
  /** The key that its own handler had: outside systems know by it what it has done. */
  readonly idempotencyKey: string;
  /** False when it was started and did not complete, so that nobody knows what it has done. */
  readonly completed: boolean;
}

/** The task that a step belongs to. */
export interface Task {
  readonly id: string;
  readonly namespace: string;
  readonly template: string;
  readonly version: string;
  /** What the client gave as the task's context. */
  readonly context: unknown;
  readonly correlationId: string | null;
  readonly tags: readonly string[];
}

/** Writes lines into the worker's log that know their run. `fields` is anything that can be shown as JSON. */
export interface Logger {
  /** What helps to find a fault. */
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** What went as it should. */
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** What somebody should look at. */
  warning(message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** What went wrong. */
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/**
 * The attempt that a handler is running: which step of which task, how much time is left, and what survives it.
 *
 * Whatever waits (`sleep`, `waitEvent`, `ask`, `waitTask`, `runTask`) leaves the handler by throwing something that
 * {@link isSuspended} knows and that must not be caught for good; when the wait is over, the handler runs again from
 * its beginning and passes it. So the names, and their order, must be the same in each run.
 */
export class StepContext {
  readonly #execute: Execute;
  readonly #services: Services;
  #durable: Durable | undefined;
  #controller: AbortController | undefined;
  #cancelled: RunCancelled | undefined;

  /** Made by the library: use `runHandler` of `tasker-pg/testing` in unit tests. */
  constructor(execute: Execute, services: Services) {
    this.#execute = execute;
    this.#services = services;
  }

  /** The task's input, as parsed JSON. */
  get input(): unknown {
    return this.#execute.task.input;
  }

  /** What the step takes, by name: as the handler's `results`. */
  get results(): Readonly<Record<string, unknown>> {
    return this.#execute.results;
  }

  /** The task. */
  get task(): Task {
    const { id, namespace, template, version, context = null, correlation_id, tags = [] } = this.#execute.task;
    return { id, namespace, template, version, context, correlationId: correlation_id ?? null, tags };
  }

  /** The task's tags. */
  get tags(): readonly string[] {
    return this.#execute.task.tags ?? [];
  }

  /** The step's name in the task. */
  get stepName(): string {
    return this.#execute.step.name;
  }

  /** The step's number in the task. */
  get stepNumber(): number {
    return this.#execute.step.number;
  }

  /** `standard`, `decision`, `batchable`, `batch_worker`, `deferred_convergence`, `dynamic` or `compensation`. */
  get kind(): string {
    return this.#execute.step.kind;
  }

  /** The step's configuration: `handler.initialization` in YAML. */
  get config(): Readonly<Record<string, unknown>> {
    return this.#execute.step.config;
  }

  /** Which attempt this is, from 1. */
  get attempt(): number {
    return this.#execute.step.attempt;
  }

  /** How many attempts the step has. */
  get maxAttempts(): number {
    return this.#execute.step.max_attempts;
  }

  /** The same on every attempt of this step, and of no other: for outside systems. */
  get idempotencyKey(): string {
    return this.#execute.step.idempotency_key;
  }

  /** When the attempt is ended; null when it is not limited. */
  get deadline(): Date | null {
    const { deadline = null } = this.#execute.step;
    return deadline === null ? null : new Date(deadline * 1000);
  }

  /** Seconds until the attempt is ended, at least 0; null when it is not limited. */
  remaining(): number | null {
    const { deadline = null } = this.#execute.step;
    return deadline === null ? null : Math.max(0, deadline - Date.now() / 1000);
  }

  /** The step that is undone, in a compensation; null elsewhere. */
  get undoes(): UndoneStep | null {
    const { undoes } = this.#execute;
    if (undoes === undefined || undoes === null) return null;
    return { name: undoes.name, idempotencyKey: undoes.idempotency_key, completed: undoes.completed };
  }

  /** W3C trace context, for what the handler calls; null when there is none. */
  get trace(): Readonly<Record<string, string>> | null {
    return this.#execute.trace ?? null;
  }

  /**
   * Aborted when the run should stop: cancelled, out of time, its lease lost, the worker stopping. Hand it to `fetch`
   * and the like. Its reason is a {@link RunCancelled}. What the handler comes to is not used then.
   */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#cancelled !== undefined) this.#controller.abort(this.#cancelled);
    return this.#controller.signal;
  }

  /** Whether the run should stop. */
  get cancelled(): boolean {
    return this.#cancelled !== undefined;
  }

  /** Writes into the worker's log. */
  get logger(): Logger {
    const { log } = this.#services;
    const to =
      (level: "debug" | "info" | "warning" | "error") => (message: string, fields?: Readonly<Record<string, unknown>>) =>
        log.call(this.#services, level, message, fields);
    return { debug: to("debug"), info: to("info"), warning: to("warning"), error: to("error") };
  }

  /** Say how far the handler has come, for operators. Cheap. Throws PermanentError for numbers that are not finite. */
  progress(done: number, options: { readonly total?: number; readonly note?: string } = {}): void {
    const { total, note } = options;
    if (!Number.isFinite(done) || !Number.isFinite(total ?? 0)) {
      throw new PermanentError(`progress is counted in finite numbers, not ${done} of ${total}`);
    }
    this.#services.progress(done, total, note);
  }

  /**
   * Call `work` once: what it returned is saved under `name`, and later runs get that.
   *
   * A run is later when the handler was retried, its worker died, or it has waited. `work` runs again only if the
   * worker dies before the result is saved, so hand an idempotency key to what it calls. Its result must be JSON; what
   * comes back is what was saved, so a Date is a text, the first time too. A name is used once in a handler.
   */
  run<T>(name: string, work: () => T | Promise<T>): Promise<T> {
    return this.durable.run(name, work);
  }

  /**
   * Save how far the handler has come and what it has by then, both JSON, in place of the last checkpoint.
   *
   * The next run, after a retry or on another worker, finds it in `lastCheckpoint` and goes on from there.
   */
  checkpoint(cursor: unknown, partial?: unknown): Promise<void> {
    return this.durable.checkpoint(cursor, partial);
  }

  /** What an earlier run of the step saved last; null on a first run, or when it saved nothing. */
  get lastCheckpoint(): Checkpoint | null {
    return this.durable.last;
  }

  /** Give the place back for this long; then the handler runs again, and goes on from here. Told apart by `name`, or their order. */
  sleep(duration: Duration, name?: string): Promise<void> {
    return this.durable.sleep(duration, name);
  }

  /**
   * The payload of an event that was or will be sent to the task. Waiting takes no place.
   *
   * Throws EventTimedOut when it has not come in time.
   */
  waitEvent<Payload = unknown>(event: string, options: { readonly timeout?: Duration } = {}): Promise<Payload> {
    return this.durable.waitEvent(event, options.timeout) as Promise<Payload>;
  }

  /**
   * Ask people, and give the place back until one of them has answered. The first answer counts.
   *
   * Throws ApprovalTimedOut when the time is up and there is no `default`.
   */
  ask<Answer = unknown>(name: string, options: AskOptions = {}): Promise<Approval<Answer>> {
    return this.durable.ask(name, options) as Promise<Approval<Answer>>;
  }

  /**
   * Start a task of a template, "namespace/name", as a child of this one.
   *
   * It is started once: later runs of the step find the same child by its `name`. When this task is cancelled, ends in
   * an error or is undone, the child is cancelled too, unless `onParentEnd` is "leave"; when this task completes, the
   * child goes on. Throws PermanentError when there is no such template, this task is too many children deep, or the
   * input does not fit.
   */
  startTask<Result = unknown>(template: string, input?: unknown, options: StartOptions = {}): Promise<ChildTask<Result>> {
    return this.durable.startTask(template, input, options) as Promise<ChildTask<Result>>;
  }

  /**
   * The result of a task, a child or any other by its id, when it has ended. Waiting takes no place.
   *
   * Throws TaskFailed when the task ended with an error (or, with `onBlocked: "raise"`, is blocked by failures),
   * TaskCancelled when it was cancelled, TaskTimedOut when it did not end in time (it goes on), PermanentError when
   * there is no such task.
   */
  waitTask<Result = unknown>(task: ChildTask<Result> | string, options: WaitTaskOptions = {}): Promise<Result> {
    return this.durable.waitTask(task, options) as Promise<Result>;
  }

  /** Start a child and wait for its result: `startTask` and `waitTask` in one. */
  async runTask<Result = unknown>(
    template: string,
    input?: unknown,
    options: StartOptions & WaitTaskOptions = {},
  ): Promise<Result> {
    return await this.waitTask(await this.startTask<Result>(template, input, options), options);
  }

  /** @internal What of this run survives it. */
  get durable(): Durable {
    this.#durable ??= new Durable(this.#execute.saved, this.#services, () => {
      if (this.#cancelled !== undefined) throw this.#cancelled;
    });
    return this.#durable;
  }

  /** @internal The same, when the handler has used it. */
  get usedDurable(): Durable | undefined {
    return this.#durable;
  }

  /** @internal Tell the handler to stop. */
  cancel(reason: string): void {
    this.#cancelled ??= new RunCancelled(reason);
    this.#controller?.abort(this.#cancelled);
  }
}

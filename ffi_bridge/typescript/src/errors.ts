// Everything that a handler may throw or meet, as one tree. Pure.
//
// TaskerError
// ├── RetryableError          the attempt failed; another one may succeed
// ├── PermanentError          the step failed; no other attempt would help
// │   ├── EventTimedOut       the event that a handler waited for did not come
// │   ├── ApprovalTimedOut    nobody answered what a handler asked
// │   ├── TaskTimedOut        the task that a handler waited for did not end
// │   ├── TaskFailed          the awaited task ended without a result, or is blocked
// │   ├── TaskCancelled       the awaited task was cancelled
// │   └── ContractError       a value is not what it must be, JSON above all
// ├── DefinitionError         a handler is written wrongly; thrown while it is being defined
// └── RunCancelled            the run should stop: what its AbortSignal gives as the reason

import { type Duration, toSeconds } from "./durations.ts";

/** The root of everything that Tasker throws. */
export class TaskerError extends Error {
  override get name(): string {
    return this.constructor.name;
  }
}

/** Options of a {@link RetryableError}. */
export interface RetryOptions extends ErrorOptions {
  /** A delay instead of the step's backoff, such as `90` or `"30s"`. */
  readonly retryAfter?: Duration | undefined;
}

/** The attempt failed, and another one may succeed. Throws a RangeError when `retryAfter` is no duration. */
export class RetryableError extends TaskerError {
  /** Seconds until the next attempt; undefined: by the step's backoff. */
  readonly retryAfter: number | undefined;

  constructor(message = "", options: RetryOptions = {}) {
    super(message, options);
    this.retryAfter = options.retryAfter === undefined ? undefined : toSeconds(options.retryAfter);
  }
}

/** The step failed, and no other attempt would help: it goes to the dead letters at once. */
export class PermanentError extends TaskerError {}

/** The event that a handler waited for did not come in time. Catch it to go another way. */
export class EventTimedOut extends PermanentError {}

/** Nobody answered in time what a handler asked. Catch it to ask somebody else. */
export class ApprovalTimedOut extends PermanentError {}

/** A value is not what it must be: it cannot be stored as JSON, or is not what was asked for. */
export class ContractError extends PermanentError {}

/** A handler is written wrongly: thrown while it is being defined, so that no task ever meets it. */
export class DefinitionError extends TaskerError {}

/** A step of an awaited task that failed for good. */
export interface StepFailure {
  readonly step: string;
  /** The name of its last error's class. */
  readonly type: string;
  readonly message: string;
}

/** The awaited task will have no result by itself. */
export class TaskFailed extends PermanentError {
  readonly taskId: string;
  /** The state that the task is in. */
  readonly state: string;
  /** The steps that failed. */
  readonly errors: readonly StepFailure[];
  /** Why the task was ended, when it was. */
  readonly reason: string | null;

  constructor(taskId: string, state: string, errors: readonly StepFailure[] = [], reason: string | null = null) {
    const steps = errors.map(({ step, type, message }) => `\n  ${step}: ${type}: ${message}`).join("");
    super(`task ${taskId} is in state ${state}${reason ? `: ${reason}` : ""}${steps}`);
    this.taskId = taskId;
    this.state = state;
    this.errors = errors;
    this.reason = reason;
  }
}

/** The task that a handler waited for did not end in time. It goes on. Catch it to go another way. */
export class TaskTimedOut extends PermanentError {
  readonly taskId: string;

  constructor(taskId: string) {
    super(`task ${taskId} did not end in time`);
    this.taskId = taskId;
  }
}

/** The awaited task was cancelled. */
export class TaskCancelled extends PermanentError {
  readonly taskId: string;
  /** What was given for it, when it is known. */
  readonly reason: string | null;

  constructor(taskId: string, reason: string | null = null) {
    super(`task ${taskId} was cancelled${reason ? `: ${reason}` : ""}`);
    this.taskId = taskId;
    this.reason = reason;
  }
}

/** The run should stop, and nothing that it comes to will be stored. The reason of `ctx.signal`. */
export class RunCancelled extends TaskerError {
  /** `cancelled`, `lease_lost`, `timed_out` or `stopping`. */
  readonly reason: string;

  constructor(reason: string) {
    super(`the run should stop: ${reason}`);
    this.reason = reason;
  }
}

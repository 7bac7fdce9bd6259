/**
 * Handlers for Tasker, the durable workflow engine in PostgreSQL, in TypeScript.
 *
 * @module
 */

export type { Approval, AskOptions } from "./approvals.ts";
export { type BatchFailure, type BatchResults, type Slice, slices } from "./batches.ts";
export type { ChildTask, StartOptions, WaitTaskOptions } from "./children.ts";
export type { Logger, StepContext, Task, UndoneStep } from "./context.ts";
export type { Checkpoint } from "./durable.ts";
export type { Duration } from "./durations.ts";
export {
  ApprovalTimedOut,
  ContractError,
  DefinitionError,
  EventTimedOut,
  PermanentError,
  RetryableError,
  type RetryOptions,
  RunCancelled,
  type StepFailure,
  TaskCancelled,
  TaskerError,
  TaskFailed,
  TaskTimedOut,
} from "./errors.ts";
export { type Arguments, Expansion, type Node } from "./expansion.ts";
export {
  batch,
  type BatchCall,
  batchWorker,
  type Call,
  compensation,
  type CompensationCall,
  decision,
  type Definition,
  register,
  registered,
  type Returned,
  type Step,
  step,
  StepHandler,
  type StepHandlerClass,
  type StepOptions,
} from "./handlers.ts";
export type { Json } from "./json.ts";
export type { Schema } from "./protocol.ts";
export { serve, type ServeOptions } from "./serve.ts";
export { VERSION } from "./version.ts";
export { isSuspended } from "./waiting.ts";

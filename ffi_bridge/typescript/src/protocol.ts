// What host and child say to each other (docs/bridge-protocol.md), and whether a message is as it must be. Pure.

/** The version that this library speaks. */
export const PROTOCOL = "1.0";

/** The longest line in bytes, the line feed included, until the host says less. */
export const LONGEST_LINE = 64 * 1024 * 1024;

/** JSON-RPC's error codes, and the bridge's own. */
export const Code = {
  noJson: -32700,
  badMessage: -32600,
  noMethod: -32601,
  badParams: -32602,
  noProtocol: -32001,
  tooMany: -32002,
  tooLong: -32003,
} as const;

/** Names a request. */
export type Id = string | number;

/** A JSON Schema, 2020-12. */
export type Schema = boolean | { readonly [keyword: string]: unknown };

/** The task that a step belongs to. */
export interface TaskFacts {
  readonly id: string;
  readonly namespace: string;
  readonly template: string;
  readonly version: string;
  readonly input: unknown;
  readonly context: unknown;
  readonly correlation_id: string | null;
  readonly tags: readonly string[];
}

/** The step, and which attempt of it this is. */
export interface StepFacts {
  readonly name: string;
  readonly number: number;
  readonly kind: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly attempt: number;
  readonly max_attempts: number;
  readonly idempotency_key: string;
  /** Seconds since 1970. */
  readonly deadline: number | null;
}

/** The step that a compensation undoes. */
export interface Undone {
  readonly name: string;
  readonly idempotency_key: string;
  readonly completed: boolean;
}

/** One attempt of one step. */
export interface Execute {
  readonly run: string;
  readonly handler: string;
  readonly task: TaskFacts;
  readonly step: StepFacts;
  readonly results: Readonly<Record<string, unknown>>;
  readonly saved: Readonly<Record<string, unknown>>;
  readonly undoes?: Undone | null;
  readonly trace?: Readonly<Record<string, string>> | null;
}

/** What went wrong. */
export interface Failure {
  readonly type: string;
  readonly message: string;
  readonly kinds: readonly string[];
  readonly traceback?: string;
}

/** What people are asked. */
export interface Question {
  readonly name: string;
  readonly title: string;
  readonly data: unknown;
  readonly form: Schema | null;
  readonly who: readonly string[];
}

/** What a run waits for. */
export interface Waiting {
  readonly name: string;
  readonly seconds?: number;
  readonly event?: string;
  readonly approval?: Question;
  readonly task?: string;
  readonly until_blocked?: boolean;
}

/** What a run came to. `result` and `expansion` are JSON already. */
export type Outcome =
  | { readonly outcome: "complete"; readonly result: string; readonly expansion?: string }
  | { readonly outcome: "retry"; readonly error: Failure; readonly delay?: number }
  | { readonly outcome: "error"; readonly error: Failure }
  | { readonly outcome: "wait"; readonly wait: Waiting }
  | { readonly outcome: "cancelled" };

/** An outcome as it is sent. */
export function encodeOutcome(outcome: Outcome): string {
  if (outcome.outcome !== "complete") return JSON.stringify(outcome);
  const expansion = outcome.expansion === undefined ? "" : `,"expansion":${outcome.expansion}`;
  return `{"outcome":"complete","result":${outcome.result}${expansion}}`;
}

/** A message of the host's: a request, a notification or a response. */
export interface Message {
  readonly id?: Id;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string };
}

/** What keeps a JSON object from being a JSON-RPC message; undefined when it is one. */
export function findMessageFault(message: Readonly<Record<string, unknown>>): string | undefined {
  if (message["jsonrpc"] !== "2.0") return '"jsonrpc": "2.0" is missing';
  const id = message["id"];
  const hasId = typeof id === "string" || (typeof id === "number" && Number.isInteger(id));
  if ("method" in message) {
    if (typeof message["method"] !== "string") return "the method is no text";
    return hasId || !("id" in message) ? undefined : "the id is neither a text nor an integer";
  }
  const error = message["error"];
  if (!hasId && !(id === null && "error" in message)) return "there is neither a method nor an id";
  if ("result" in message === "error" in message) return "an answer has either a result or an error";
  if (!("error" in message)) return undefined;
  const whole = isObject(error) && typeof error["code"] === "number" && typeof error["message"] === "string";
  return whole ? undefined : "an error has a code and a message";
}

/** Whether a value is a JSON object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What is wrong with the params of an `execute`; undefined when they are as they must be. */
export function findExecuteFault(params: unknown): string | undefined {
  if (!isObject(params)) return "params is no object";
  const { run, handler, task, step, results, saved, undoes, trace } = params;
  if (typeof run !== "string" || run === "") return "run is no text";
  if (typeof handler !== "string") return "handler is no text";
  if (!isObject(results)) return "results is no object";
  if (!isObject(saved)) return "saved is no object";
  if (undoes !== undefined && undoes !== null && !isUndone(undoes)) return "undoes is not as it must be";
  if (trace !== undefined && trace !== null && !isObject(trace)) return "trace is no object";
  return findTaskFault(task) ?? findStepFault(step);
}

function findTaskFault(task: unknown): string | undefined {
  if (!isObject(task)) return "task is no object";
  for (const name of ["id", "namespace", "template", "version"]) {
    if (typeof task[name] !== "string") return `task.${name} is no text`;
  }
  const correlation = task["correlation_id"];
  if (correlation !== undefined && correlation !== null && typeof correlation !== "string") {
    return "task.correlation_id is no text";
  }
  const tags = task["tags"];
  return tags === undefined || Array.isArray(tags) ? undefined : "task.tags is no list";
}

function findStepFault(step: unknown): string | undefined {
  if (!isObject(step)) return "step is no object";
  if (typeof step["name"] !== "string") return "step.name is no text";
  if (typeof step["idempotency_key"] !== "string") return "step.idempotency_key is no text";
  if (!Number.isInteger(step["attempt"])) return "step.attempt is no integer";
  if (!Number.isInteger(step["max_attempts"])) return "step.max_attempts is no integer";
  if (!isObject(step["config"])) return "step.config is no object";
  const deadline = step["deadline"];
  return deadline === undefined || deadline === null || typeof deadline === "number"
    ? undefined
    : "step.deadline is no number";
}

function isUndone(value: unknown): boolean {
  return isObject(value) && typeof value["name"] === "string" && typeof value["idempotency_key"] === "string";
}

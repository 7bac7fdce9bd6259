// The child's side of the conversation: lines in, lines out, and handlers run in between. Does no I/O itself.

import { StepContext } from "./context.ts";
import { decode } from "./decode.ts";
import type { Services } from "./durable.ts";
import { PermanentError, RetryableError } from "./errors.ts";
import { execute } from "./execute.ts";
import { describeFailure } from "./failures.ts";
import type { Definition } from "./handlers.ts";
import { encodeLoosely, storable } from "./json.ts";
import {
  Code,
  encodeOutcome,
  type Execute,
  findExecuteFault,
  findMessageFault,
  type Id,
  isObject,
  LONGEST_LINE,
  type Message,
  type Outcome,
  PROTOCOL,
} from "./protocol.ts";

/** What the session needs of whoever does the I/O. */
export interface Wire {
  /** Send a line, its line feed left out. */
  put(line: string): void;
  /** Send how far a run has come, in place of what is not yet sent of it. */
  putProgress(run: string, line: string): void;
  /** Lines are no longer than this from now on, in bytes. */
  limit(bytes: number): void;
  /** Write into the child's own log. */
  warn(text: string): void;
  /** Stop what is open in so many seconds, and leave. */
  leaveWithin(seconds: number): void;
  /** All is said: leave. */
  leave(): void;
}

/** What the child says of itself. */
export interface Self {
  readonly name: string;
  readonly language: string;
  readonly version: string;
  readonly library: string;
}

interface Asked {
  readonly resolve: (result: Record<string, unknown>) => void;
  readonly reject: (error: Error) => void;
}

/** One conversation, from `initialize` to the end. */
export class ChildSession {
  readonly #handlers: ReadonlyMap<string, Definition>;
  readonly #concurrency: number;
  readonly #self: Self;
  readonly #wire: Wire;
  readonly #runs = new Map<string, StepContext>();
  readonly #open = new Set<Id>();
  readonly #asked = new Map<number, Asked>();
  #shutdowns: Id[] = [];
  #state: "started" | "ready" | "draining" | "ended" = "started";
  #longest = LONGEST_LINE;
  #last = 0;

  constructor(handlers: readonly Definition[], concurrency: number, self: Self, wire: Wire) {
    this.#handlers = new Map(handlers.map((each) => [each.name, each]));
    this.#concurrency = concurrency;
    this.#self = self;
    this.#wire = wire;
  }

  /** Take a line of the host's, its line feed left out. */
  receive(line: string): void {
    if (this.#state === "ended" || line.trim() === "") return;
    let message: unknown;
    try {
      message = decode(line);
    } catch {
      this.#refuse(null, Code.noJson, "that line is no JSON");
      return;
    }
    if (!isObject(message)) {
      this.#refuse(null, Code.badMessage, "a message is an object");
      return;
    }
    const fault = findMessageFault(message);
    if (fault !== undefined) this.#refuse("method" in message ? readId(message["id"]) : null, Code.badMessage, fault);
    else if (!("method" in message)) this.#takeAnswer(message as Message);
    else if ("id" in message) this.#takeRequest(message["id"] as Id, message["method"] as string, message["params"]);
    else if (message["method"] === "cancel") this.#cancel(message["params"]);
  }

  /** Say that a line was skipped. */
  skipped(why: "too long" | "no UTF-8"): void {
    if (why === "too long") this.#refuse(null, Code.tooLong, `a line has at most ${this.#longest} bytes`);
    else this.#refuse(null, Code.noJson, "that line is no UTF-8");
  }

  /** The host is gone, or has waited long enough: abort what is open, and leave when that has been answered. */
  stop(): void {
    if (this.#state === "ended") return;
    this.#state = "draining";
    for (const context of this.#runs.values()) context.cancel("stopping");
    this.#leaveWhenDone();
  }

  /** Write into the worker's log; into the child's own while the host does not listen. */
  log(level: string, message: string, run?: string, fields?: unknown): void {
    if (this.#state !== "ready" && this.#state !== "draining") {
      this.#wire.warn(message);
      return;
    }
    const of = run === undefined ? "" : `,"run":${JSON.stringify(run)}`;
    const text = JSON.stringify(storable(String(message)).slice(0, 100_000).toWellFormed());
    const head = `{"jsonrpc":"2.0","method":"log","params":{"level":"${level}","message":${text}${of}`;
    const more = isObject(fields) ? `,"fields":${encodeLoosely(fields)}` : "";
    const line = [`${head}${more}}}`, `${head}}}`].find((each) => this.#fits(each));
    if (line === undefined) this.#wire.warn(message);
    else this.#wire.put(line);
  }

  /** Say how far a run has come; nothing when it is over. */
  progress(run: string, done: number, total: number | undefined, note: string | undefined): void {
    if (!this.#runs.has(run)) return;
    const text = note === undefined ? null : storable(String(note).slice(0, 300).toWellFormed());
    const members = { run, done, total: total ?? null, note: text };
    this.#wire.putProgress(run, `{"jsonrpc":"2.0","method":"progress","params":${JSON.stringify(members)}}`);
  }

  /** Ask the host for something, for a run that is open. `members` are the params, as JSON. */
  ask(method: string, run: string, members: string): Promise<Record<string, unknown>> {
    if (!this.#runs.has(run)) return Promise.reject(new RetryableError(`${method}: the run is over`));
    const id = ++this.#last;
    const line = `{"jsonrpc":"2.0","id":${id},"method":"${method}","params":{"run":${JSON.stringify(run)},${members}}}`;
    if (!this.#fits(line)) return Promise.reject(new PermanentError(`${method}: it makes a message above the limit`));
    return new Promise((resolve, reject) => {
      this.#asked.set(id, { resolve, reject });
      this.#wire.put(line);
    });
  }

  #takeRequest(id: Id, method: string, params: unknown): void {
    if (this.#open.has(id)) {
      this.#refuse(id, Code.badMessage, `request ${id} is open already`);
      return;
    }
    switch (method) {
      case "initialize":
        this.#initialize(id, params);
        break;
      case "execute":
        this.#execute(id, params);
        break;
      case "ping":
        if (this.#isBegun(id)) this.#answer(id, "{}");
        break;
      case "shutdown":
        if (this.#isBegun(id)) this.#shutdown(id, params);
        break;
      default:
        this.#refuse(id, Code.noMethod, `there is no method ${method}`);
    }
  }

  #initialize(id: Id, params: unknown): void {
    if (this.#state !== "started") {
      this.#refuse(id, Code.badMessage, "initialize was there already");
      return;
    }
    const spoken = isObject(params) ? params["protocol"] : undefined;
    const limits = isObject(params) ? (params["limits"] ?? {}) : {};
    const longest = isObject(limits) ? (limits["message_bytes"] ?? LONGEST_LINE) : undefined;
    if (!Array.isArray(spoken) || typeof longest !== "number" || !(longest > 0)) {
      this.#refuse(id, Code.badParams, "protocol is a list of versions, limits.message_bytes a number");
    } else if (!spoken.includes(PROTOCOL)) {
      this.#refuse(id, Code.noProtocol, `this child speaks protocol ${PROTOCOL}`);
      this.#leave();
    } else {
      this.#longest = Math.min(longest, LONGEST_LINE);
      this.#wire.limit(this.#longest);
      this.#state = "ready";
      const handlers = [...this.#handlers.values()].map(({ name, inputSchema, resultSchema }) => ({
        name,
        input_schema: inputSchema,
        result_schema: resultSchema,
      }));
      const child = this.#self;
      this.#answer(id, JSON.stringify({ protocol: PROTOCOL, child, concurrency: this.#concurrency, handlers }));
    }
  }

  #execute(id: Id, params: unknown): void {
    if (!this.#isBegun(id)) return;
    const fault = findExecuteFault(params);
    if (fault !== undefined) {
      this.#refuse(id, Code.badParams, fault);
      return;
    }
    const given = params as Execute;
    const definition = this.#handlers.get(given.handler);
    if (this.#runs.has(given.run)) this.#refuse(id, Code.badMessage, `run ${given.run} is open already`);
    else if (definition === undefined) this.#refuse(id, Code.noMethod, `there is no handler ${given.handler}`);
    else if (this.#state === "draining") this.#refuse(id, Code.tooMany, "this child is about to leave");
    else if (this.#runs.size >= this.#concurrency) {
      this.#refuse(id, Code.tooMany, `too many: ${this.#concurrency} runs are open`);
    } else void this.#run(id, definition, given);
  }

  async #run(id: Id, definition: Definition, given: Execute): Promise<void> {
    const { run } = given;
    const context = new StepContext(given, new RunServices(this, run));
    this.#runs.set(run, context);
    this.#open.add(id);
    const line = await this.#comeTo(id, definition, context);
    this.#open.delete(id);
    this.#runs.delete(run);
    this.#wire.put(line);
    if (this.#state === "draining") this.#leaveWhenDone();
  }

  /** The answer to a run, whatever the handler does. */
  async #comeTo(id: Id, definition: Definition, context: StepContext): Promise<string> {
    try {
      const { outcome } = await execute(definition, context);
      const line = answerLine(id, encodeOutcome(outcome));
      return this.#fits(line) ? line : answerLine(id, encodeOutcome(shorten(outcome, this.#longest)));
    } catch (error) {
      return answerLine(id, encodeOutcome({ outcome: "retry", error: describeFailure(error) }));
    }
  }

  #shutdown(id: Id, params: unknown): void {
    if (params !== undefined && !isObject(params)) {
      this.#refuse(id, Code.badParams, "params is no object");
      return;
    }
    const grace = params?.["grace"];
    if (grace !== undefined && !(typeof grace === "number" && grace >= 0)) {
      this.#refuse(id, Code.badParams, "grace is a number of seconds");
      return;
    }
    this.#shutdowns.push(id);
    this.#open.add(id);
    this.#state = "draining";
    if (grace !== undefined) this.#wire.leaveWithin(grace);
    this.#leaveWhenDone();
  }

  #leaveWhenDone(): void {
    if (this.#runs.size > 0) return;
    for (const id of this.#shutdowns) this.#answer(id, "{}");
    this.#leave();
  }

  #leave(): void {
    this.#state = "ended";
    this.#wire.leave();
  }

  #cancel(params: unknown): void {
    if (!isObject(params) || typeof params["run"] !== "string") return;
    const { run, reason } = params;
    this.#runs.get(run)?.cancel(typeof reason === "string" ? reason : "cancelled");
  }

  #takeAnswer({ id, result, error }: Message): void {
    const asked = typeof id === "number" ? this.#asked.get(id) : undefined;
    if (asked === undefined) {
      this.#wire.warn(`an answer to request ${id}, which is not open, is ignored`);
      return;
    }
    this.#asked.delete(id as number);
    if (error === undefined) asked.resolve(isObject(result) ? result : {});
    else if (error.code === Code.badParams) asked.reject(new PermanentError(error.message));
    else asked.reject(new RetryableError(error.message));
  }

  #isBegun(id: Id): boolean {
    if (this.#state !== "started") return true;
    this.#refuse(id, Code.badMessage, "initialize comes first");
    return false;
  }

  #answer(id: Id, result: string): void {
    this.#wire.put(answerLine(id, result));
  }

  #refuse(id: Id | null, code: number, message: string): void {
    const error = { code, message: storable(message.slice(0, 1000)) };
    this.#wire.put(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},"error":${JSON.stringify(error)}}`);
  }

  /** Whether a line, its line feed added, is within the limit. */
  #fits(line: string): boolean {
    return line.length * 3 < this.#longest || Buffer.byteLength(line) < this.#longest;
  }
}

/** What a run can ask for, as the session does it. */
class RunServices implements Services {
  readonly #session: ChildSession;
  readonly #run: string;

  constructor(session: ChildSession, run: string) {
    this.#session = session;
    this.#run = run;
  }

  async checkpoint(name: string, value: string, replace: boolean): Promise<boolean> {
    const members = `"name":${JSON.stringify(name)},"value":${value},"replace":${replace}`;
    return (await this.#session.ask("checkpoint", this.#run, members))["saved"] === true;
  }

  async startTask(members: string): Promise<string | null> {
    const { task_id: id } = await this.#session.ask("start_task", this.#run, members);
    return typeof id === "string" ? id : null;
  }

  progress(done: number, total: number | undefined, note: string | undefined): void {
    this.#session.progress(this.#run, done, total, note);
  }

  log(level: "debug" | "info" | "warning" | "error", message: string, fields?: unknown): void {
    this.#session.log(level, message, this.#run, fields);
  }
}

/** An outcome in place of one that makes a line above the limit: a failure loses its traceback, all else fails for good. */
function shorten(outcome: Outcome, longest: number): Outcome {
  if (outcome.outcome === "retry" || outcome.outcome === "error") {
    const { type, message } = outcome.error;
    return { ...outcome, error: { type: type.slice(0, 100), message: message.slice(0, 100).toWellFormed(), kinds: [] } };
  }
  const message = `what the run came to makes a message above the limit of ${longest} bytes`;
  return { outcome: "error", error: { type: "ContractError", message, kinds: ["ContractError", "PermanentError"] } };
}

function answerLine(id: Id, result: string): string {
  return `{"jsonrpc":"2.0","id":${typeof id === "number" ? id : JSON.stringify(id)},"result":${result}}`;
}

function readId(id: unknown): Id | null {
  return typeof id === "string" || (typeof id === "number" && Number.isInteger(id)) ? id : null;
}

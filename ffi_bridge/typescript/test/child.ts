// A real child, driven through its pipes.

import assert from "node:assert/strict";
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export const FLAGS = ["--experimental-strip-types", "--disable-warning=ExperimentalWarning"];
export const MAIN = new URL("../src/main.ts", import.meta.url).pathname;
export const HANDLERS = new URL("fixtures/handlers.ts", import.meta.url).pathname;

export type Line = Record<string, any>;

export class Child {
  readonly process: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  readonly ended: Promise<number | null>;
  log = "";
  #last = 0;

  /** With the parameters of main.ts, or another program. */
  constructor(...parameters: string[] | [{ readonly program: readonly string[] }]) {
    const [first] = parameters;
    const program = typeof first === "object" ? first.program : [MAIN, ...(parameters as string[])];
    this.process = spawn(process.execPath, [...FLAGS, ...program]);
    this.process.stderr.setEncoding("utf8").on("data", (text) => (this.log += text));
    this.process.stdin.on("error", () => {});
    this.#lines = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
    this.ended = once(this.process, "close").then(([status]) => status as number | null);
  }

  static async start(limit = 67_108_864, ...parameters: string[]): Promise<Child> {
    const child = new Child(...parameters, HANDLERS);
    child.ask("initialize", { protocol: ["1.0"], worker: "test", limits: { message_bytes: limit } });
    const { result } = await child.hear();
    assert.equal(result.protocol, "1.0");
    return child;
  }

  write(text: string | Buffer): void {
    this.process.stdin.write(text);
  }

  say(message: Line): void {
    this.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
  }

  /** Send a request; its id. */
  ask(method: string, params: unknown, id: number | string = ++this.#last): number | string {
    this.say({ id, method, params });
    return id;
  }

  execute(handler: string, more: Line = {}, id?: number | string): number | string {
    return this.ask("execute", executeParams(handler, more), id);
  }

  cancel(run: string, reason = "cancelled"): void {
    this.say({ method: "cancel", params: { run, reason } });
  }

  /** The next line that it says. */
  async hear(): Promise<Line> {
    const { value, done } = await this.#lines.next();
    assert.ok(!done, `the child has ended: ${this.log}`);
    return JSON.parse(value) as Line;
  }

  /** What a run comes to. */
  async run(handler: string, more: Line = {}): Promise<Line> {
    const id = this.execute(handler, more);
    const answer = await this.hear();
    assert.equal(answer["id"], id, JSON.stringify(answer));
    return answer["result"] ?? answer;
  }

  async fails(code: number, id: number | string | null): Promise<string> {
    const { error, id: of } = await this.hear();
    assert.deepEqual([error?.code, of], [code, id]);
    return error.message;
  }

  /** Resolves when it has logged this. */
  async logged(text: string): Promise<void> {
    while (!this.log.includes(text)) await once(this.process.stderr, "data");
  }

  /** Tell it to leave, and see that it has nothing more to say. */
  async leave(): Promise<void> {
    const id = this.ask("shutdown", { grace: 1 });
    assert.deepEqual(await this.hear(), { jsonrpc: "2.0", id, result: {} });
    assert.ok((await this.#lines.next()).done);
    assert.equal(await this.ended, 0, this.log);
  }
}

let runs = 0;

export function executeParams(handler: string, more: Line = {}): Line {
  const { task, step, ...rest } = more;
  return {
    run: `run-${++runs}`,
    handler,
    task: {
      id: "01980000-0000-7000-8000-000000000000",
      namespace: "shop",
      template: "order",
      version: "1",
      input: null,
      context: {},
      correlation_id: null,
      tags: [],
      ...task,
    },
    step: {
      name: handler,
      number: 1,
      kind: "standard",
      config: {},
      attempt: 1,
      max_attempts: 3,
      idempotency_key: "key",
      deadline: null,
      ...step,
    },
    results: {},
    saved: {},
    undoes: null,
    trace: null,
    ...rest,
  };
}

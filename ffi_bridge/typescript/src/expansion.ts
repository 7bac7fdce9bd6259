// Steps that a handler asks for: which ones, with what, and after which. Pure.

import { ContractError, PermanentError } from "./errors.ts";
import type { Step } from "./handlers.ts";
import { encode, LARGEST_VALUE } from "./json.ts";

/** A step in an expansion, or one that is in the task already: what others can take, or wait for. */
export class Node<Result = unknown> {
  /** Its place in the expansion, from 0; or its name in the task. */
  readonly reference: number | string;
  /** What it waits for without taking anything. */
  readonly waitsFor: (number | string)[] = [];
  /** For types only: never there. */
  declare readonly result?: Result;

  constructor(reference: number | string) {
    this.reference = reference;
  }

  /** Wait for these too, without taking what they give. Only for a step that was just added. */
  after(...others: Node[]): this {
    if (typeof this.reference === "string") {
      throw new PermanentError(`step ${this.reference} is in the task already, and waits for nothing more`);
    }
    this.waitsFor.push(...others.map((other) => other.reference));
    return this;
  }
}

/** The arguments of a dynamic step: each a value, or the node of a step whose result it is. */
export type Arguments<Given> = { readonly [Name in keyof Given]: Given[Name] | Node<Given[Name]> };

/**
 * What a handler returns that asks for other steps: its own result, and the steps.
 *
 * The steps come to be in the transaction in which the handler's own step completes, or none of them does. Each is a
 * dynamic step of the template, which may be asked for any number of times, within the bounds that the template sets.
 */
export class Expansion<Result = undefined> {
  /** What the handler's own step gives. */
  readonly result: Result | undefined;
  readonly #steps: { head: string; node: Node }[] = [];

  constructor(result?: Result) {
    this.result = result;
  }

  /** How many steps it asks for. */
  get size(): number {
    return this.#steps.length;
  }

  /**
   * Ask for a dynamic step, given by its definition or its name, with its arguments by name.
   *
   * The new step waits for the nodes among its arguments. Throws ContractError for an argument that is no JSON.
   */
  add<Given, R>(step: Step<never, R, Given>, given: Arguments<Given>): Node<R>;
  add<R = unknown>(step: string, given?: Readonly<Record<string, unknown>>): Node<R>;
  add(step: Step<never, unknown, never> | string, given: Readonly<Record<string, unknown>> = {}): Node<never> {
    const name = typeof step === "string" ? step : step.name;
    const values: string[] = [];
    const takes: Record<string, number | string> = {};
    for (const [key, value] of Object.entries(given)) {
      if (value instanceof Node) takes[key] = value.reference;
      else values.push(`${JSON.stringify(key)}:${encode(value, `expansion, ${name}: ${key}`)}`);
    }
    const node = new Node<never>(this.#steps.length);
    const head = `"step":${encode(name, "step")},"values":{${values.join(",")}},"takes":${JSON.stringify(takes)}`;
    this.#steps.push({ head, node });
    return node;
  }

  /** A step that is in the task already, by its name there, such as `score` or `draft/2`. */
  existing<R = unknown>(name: string): Node<R> {
    return new Node(name);
  }

  /** The steps as an outcome has them; JSON. Throws ContractError when they are too large to be stored. */
  encode(): string {
    const steps = this.#steps.map(({ head, node }) => `{${head},"after":${JSON.stringify(node.waitsFor)}}`);
    const text = `[${steps.join(",")}]`;
    const bytes = Buffer.byteLength(text);
    if (bytes > LARGEST_VALUE) {
      throw new ContractError(`the expansion has ${bytes} bytes; ${LARGEST_VALUE} is the most`);
    }
    return text;
  }
}

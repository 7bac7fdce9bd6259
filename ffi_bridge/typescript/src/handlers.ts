// How handlers are written: as functions or as classes, under the names by which templates call them.
//
// Each is registered as it is defined, which is how `serve` finds those of the files that were imported.

import type { StepContext, UndoneStep } from "./context.ts";
import { DefinitionError, PermanentError } from "./errors.ts";
import type { Expansion } from "./expansion.ts";
import { encode } from "./json.ts";
import type { Schema } from "./protocol.ts";

/** What a handler is given. */
export interface Call<Input = unknown, Parents = Readonly<Record<string, unknown>>> {
  /** The task's input. */
  readonly input: Input;
  /**
   * What the step takes, by name: its parents' results; for a batch worker its item, under the batch's name; for a
   * dynamic step its arguments. A parent that did not come to be is not in it.
   */
  readonly results: Parents;
  readonly ctx: StepContext;
}

/** What a handler returns: what the step comes to, and perhaps steps that it asks for. */
export type Returned<Result> = Result | Expansion<Result> | Promise<Result | Expansion<Result>>;

/** Contracts of a handler, which the worker checks: the task's input before a run, the result after it. */
export interface StepOptions {
  /** JSON Schema, 2020-12. */
  readonly inputSchema?: Schema | undefined;
  /** JSON Schema, 2020-12. */
  readonly resultSchema?: Schema | undefined;
}

/** A handler as the library runs it. */
export interface Definition extends StepOptions {
  readonly name: string;
  /** @internal Run it. */
  readonly invoke: (ctx: StepContext) => unknown;
}

/** A handler that was defined: what `runHandler` tests, and `Expansion.add` takes. */
export interface Step<Input = unknown, Result = unknown, Parents = unknown> extends Definition {
  /** The function as it was written, to be called in unit tests. */
  readonly handle: (call: Call<Input, Parents>) => Returned<Result>;
}

const registry = new Map<string, Definition>();

/** All handlers that were defined so far. */
export function registered(): readonly Definition[] {
  return [...registry.values()];
}

/**
 * Define the handler that templates call `name`.
 *
 * ```ts
 * step<Order, Payment, { validate_cart: Cart }>("charge", async ({ input, results, ctx }) => {
 *   return await charge(input.card, results.validate_cart.total_cents, ctx.idempotencyKey);
 * });
 * ```
 *
 * Throws DefinitionError for a name that is taken, or none.
 */
export function step<Input = unknown, Result = unknown, Parents = Readonly<Record<string, unknown>>>(
  name: string,
  handle: (call: Call<Input, Parents>) => Returned<Result>,
  options: StepOptions = {},
): Step<Input, Result, Parents> {
  checkFunction(name, handle);
  const invoke = (ctx: StepContext): unknown => handle(callOf<Input, Parents>(ctx));
  return add({ ...readOptions(name, options), name, handle, invoke });
}

/**
 * Define a decision: which of the steps that depend on it shall be, by one name, a list of names, or null.
 *
 * Anything else fails the step for good.
 */
export function decision<Input = unknown, Branch extends string = string, Parents = Readonly<Record<string, unknown>>>(
  name: string,
  handle: (call: Call<Input, Parents>) => Returned<Branch | readonly Branch[] | null>,
  options: StepOptions = {},
): Step<Input, Branch | readonly Branch[] | null, Parents> {
  checkFunction(name, handle);
  const invoke = async (ctx: StepContext): Promise<unknown> => {
    const chosen: unknown = (await handle(callOf<Input, Parents>(ctx))) ?? null;
    const isChoice = chosen === null || (Array.isArray(chosen) ? chosen : [chosen]).every((it) => typeof it === "string");
    if (isChoice) return chosen;
    throw new PermanentError(`decision ${name} must give a name, a list of names or null, not ${describe(chosen)}`);
  };
  return add({ ...readOptions(name, options), name, handle, invoke });
}

/** Define a batch: one worker comes to be for each item of the list that it returns. {@link slices} makes one. */
export function batch<Input = unknown, Item = unknown, Parents = Readonly<Record<string, unknown>>>(
  name: string,
  handle: (call: Call<Input, Parents>) => Returned<readonly Item[]>,
  options: StepOptions = {},
): Step<Input, readonly Item[], Parents> {
  checkFunction(name, handle);
  const invoke = async (ctx: StepContext): Promise<unknown> => {
    const items: unknown = await handle(callOf<Input, Parents>(ctx));
    if (Array.isArray(items)) return items;
    throw new PermanentError(`batch ${name} must give a list of items, not ${describe(items)}`);
  };
  return add({ ...readOptions(name, options), name, handle, invoke });
}

/** What a batch worker is given. */
export interface BatchCall<Item, Input = unknown> extends Call<Input> {
  /** What this worker is there for: one of what the batch returned. */
  readonly item: Item;
}

/** Define a batch's worker. */
export function batchWorker<Item = unknown, Result = unknown, Input = unknown>(
  name: string,
  handle: (call: BatchCall<Item, Input>) => Returned<Result>,
  options: StepOptions = {},
): Definition & { readonly handle: (call: BatchCall<Item, Input>) => Returned<Result> } {
  checkFunction(name, handle);
  const invoke = (ctx: StepContext): unknown => {
    const [item, ...more] = Object.values(ctx.results);
    if (item === undefined || more.length > 0) {
      throw new PermanentError(`${name} is a batch's worker, and step ${ctx.stepName} is not: it takes no single item`);
    }
    return handle({ ...callOf<Input, Call["results"]>(ctx), item: item as Item });
  };
  return add({ ...readOptions(name, options), name, handle, invoke });
}

/** What a compensation is given. */
export interface CompensationCall<Input = unknown, Undone = unknown, Parents = Readonly<Record<string, unknown>>>
  extends Call<Input, Parents> {
  /** The step that is undone. */
  readonly undoes: UndoneStep;
  /** What that step had come to; undefined when it did not complete. */
  readonly undone: Undone | undefined;
}

/** Define a compensation: what undoes a step. */
export function compensation<Input = unknown, Undone = unknown, Parents = Readonly<Record<string, unknown>>>(
  name: string,
  handle: (call: CompensationCall<Input, Undone, Parents>) => unknown,
  options: StepOptions = {},
): Definition & { readonly handle: (call: CompensationCall<Input, Undone, Parents>) => unknown } {
  checkFunction(name, handle);
  const invoke = (ctx: StepContext): unknown => {
    const { undoes } = ctx;
    if (undoes === null) throw new PermanentError(`${name} is a compensation, and step ${ctx.stepName} undoes nothing`);
    const undone = ctx.results[undoes.name] as Undone | undefined;
    return handle({ ...callOf<Input, Parents>(ctx), undoes, undone });
  };
  return add({ ...readOptions(name, options), name, handle, invoke });
}

/**
 * Base of handlers that are written as classes: give `static handles`, and a method `call`.
 *
 * One instance is made, with no arguments, when the class is registered; `call` must bear being run many times at once.
 *
 * ```ts
 * class ValidateCart extends StepHandler<Order, Cart> {
 *   static handles = "validate_cart";
 *   async call({ input }: Call<Order>): Promise<Cart> { … }
 * }
 * register(ValidateCart);
 * ```
 */
export abstract class StepHandler<Input = unknown, Result = unknown, Parents = Readonly<Record<string, unknown>>> {
  /** Run the step once. */
  abstract call(call: Call<Input, Parents>): Returned<Result>;
}

/** A class that can be registered. */
export interface StepHandlerClass<Input, Result, Parents> {
  new (): StepHandler<Input, Result, Parents>;
  /** The name by which templates call it. */
  readonly handles: string;
  readonly inputSchema?: Schema;
  readonly resultSchema?: Schema;
}

/** Register a class of handlers. Throws DefinitionError. */
export function register<Input, Result, Parents>(
  handler: StepHandlerClass<Input, Result, Parents>,
): Step<Input, Result, Parents> {
  const instance = new handler();
  const { handles, inputSchema, resultSchema } = handler;
  if (typeof instance.call !== "function") throw new DefinitionError(`${handler.name} has no method call`);
  return step(handles, (call: Call<Input, Parents>) => instance.call(call), { inputSchema, resultSchema });
}

function add<D extends Definition>(definition: D): D {
  const { name } = definition;
  const length = typeof name === "string" ? [...name].length : 0;
  if (length < 1 || length > 255) {
    throw new DefinitionError(`the name of a handler has 1 to 255 characters, which ${describe(name)} has not`);
  }
  if (registry.has(name)) throw new DefinitionError(`two handlers are named ${name}`);
  registry.set(name, definition);
  return definition;
}

function checkFunction(name: string, handle: unknown): void {
  if (typeof handle !== "function") throw new DefinitionError(`handler ${name} is no function, but ${describe(handle)}`);
}

function readOptions(name: string, options: StepOptions): StepOptions {
  const found: { inputSchema?: Schema; resultSchema?: Schema } = {};
  for (const key of ["inputSchema", "resultSchema"] as const) {
    const schema = options[key];
    if (schema === undefined) continue;
    const isSchema = typeof schema === "boolean" || (typeof schema === "object" && schema !== null);
    if (!isSchema || Array.isArray(schema)) throw new DefinitionError(`handler ${name}: ${key} is no JSON Schema`);
    encode(schema, `handler ${name}: ${key}`);
    found[key] = schema;
  }
  return found;
}

function callOf<Input, Parents>(ctx: StepContext): Call<Input, Parents> {
  return { input: ctx.input as Input, results: ctx.results as Parents, ctx };
}

function describe(value: unknown): string {
  return typeof value === "string" ? `"${value}"` : Array.isArray(value) ? "such a list" : value === null ? "null" : typeof value;
}

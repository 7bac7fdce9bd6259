/**
 * Runs handlers without a worker and without a database, for unit tests.
 *
 * ```ts
 * const run = await runHandler(charge, { input: order, results: { validate_cart: cart } });
 * assert.deepEqual(run.outcome, { outcome: "complete", result: { charge_id: "c1" } });
 * ```
 *
 * @module
 */

import { StepContext, type UndoneStep } from "./context.ts";
import type { Services } from "./durable.ts";
import { execute } from "./execute.ts";
import { type Definition, registered } from "./handlers.ts";
import { encode, encodeLoosely } from "./json.ts";
import type { Failure, Waiting } from "./protocol.ts";

/** What a handler is run with. All is optional. */
export interface Given {
  readonly input?: unknown;
  /** By name: the parents' results, a batch worker's item, a dynamic step's arguments. */
  readonly results?: Readonly<Record<string, unknown>>;
  /** What earlier runs have saved, and what came of waits: `{ "run:charge": …, "event:paid": { event: 7 } }`. */
  readonly saved?: Readonly<Record<string, unknown>>;
  readonly config?: Readonly<Record<string, unknown>>;
  readonly attempt?: number;
  readonly maxAttempts?: number;
  readonly deadline?: Date;
  readonly taskId?: string;
  readonly tags?: readonly string[];
  readonly context?: unknown;
  readonly stepName?: string;
  readonly kind?: string;
  readonly idempotencyKey?: string;
  readonly undoes?: UndoneStep;
  /** Whether the lease is lost: nothing is saved, and nothing is started. */
  readonly leaseLost?: boolean;
  /** Cancels the run when it is aborted. */
  readonly signal?: AbortSignal;
}

/** What a run came to, as the worker would see it. */
export type TestOutcome =
  | { readonly outcome: "complete"; readonly result: unknown; readonly expansion?: unknown }
  | { readonly outcome: "retry"; readonly error: Failure; readonly delay?: number }
  | { readonly outcome: "error"; readonly error: Failure }
  | { readonly outcome: "wait"; readonly wait: Waiting }
  | { readonly outcome: "cancelled" };

/** One run of a handler, and what it did meanwhile. */
export interface TestRun {
  readonly outcome: TestOutcome;
  /** What the handler threw, itself. */
  readonly thrown?: unknown;
  /** What was saved before, and what this run has added: what the next run is given. */
  readonly saved: Readonly<Record<string, unknown>>;
  readonly progress: readonly { readonly done: number; readonly total?: number; readonly note?: string }[];
  readonly logs: readonly { readonly level: string; readonly message: string; readonly fields?: unknown }[];
  /** The params of each `start_task`. */
  readonly started: readonly Readonly<Record<string, unknown>>[];
}

/** Run a handler once. Everything that it is given goes through JSON first, as in a worker. Rejects only for wrong use. */
export async function runHandler(handler: Definition | string, given: Given = {}): Promise<TestRun> {
  const definition = typeof handler === "string" ? registered().find(({ name }) => name === handler) : handler;
  if (definition === undefined) throw new Error(`no handler is named ${String(handler)}`);
  const saved: Record<string, unknown> = { ...plain(given.saved ?? {}) };
  const progress: { done: number; total?: number; note?: string }[] = [];
  const logs: { level: string; message: string; fields?: unknown }[] = [];
  const started: Record<string, unknown>[] = [];
  const services: Services = {
    async checkpoint(name, value, replace) {
      if (given.leaseLost === true) return false;
      if (replace || !(name in saved)) saved[name] = JSON.parse(value);
      return true;
    },
    async startTask(members) {
      if (given.leaseLost === true) return null;
      const params = JSON.parse(`{${members}}`) as Record<string, unknown>;
      started.push(params);
      const id = `00000000-0000-4000-8000-${String(started.length).padStart(12, "0")}`;
      saved[`start:${String(params["name"])}`] = id;
      return id;
    },
    progress(done, total, note) {
      progress.push({ done, ...(total === undefined ? {} : { total }), ...(note === undefined ? {} : { note }) });
    },
    log(level, message, fields) {
      logs.push({ level, message, ...(fields === undefined ? {} : { fields: JSON.parse(encodeLoosely(fields)) }) });
    },
  };
  const ctx = makeContext(definition.name, given, plain(given.saved ?? {}), services);
  const cancel = (): void => ctx.cancel("cancelled");
  if (given.signal?.aborted === true) cancel();
  given.signal?.addEventListener("abort", cancel, { once: true });
  const { outcome, ...rest } = await execute(definition, ctx);
  return { outcome: readOutcome(outcome), ...rest, saved, progress, logs, started };
}

function makeContext(
  handler: string,
  given: Given,
  saved: Readonly<Record<string, unknown>>,
  services: Services,
): StepContext {
  const { taskId = "00000000-0000-4000-8000-000000000000", undoes } = given;
  const kind = undoes === undefined ? "standard" : "compensation";
  return new StepContext(
    {
      run: "test",
      handler,
      task: {
        id: taskId,
        namespace: "test",
        template: "test",
        version: "1",
        input: plain(given.input ?? null),
        context: plain(given.context ?? null),
        correlation_id: null,
        tags: given.tags ?? [],
      },
      step: {
        name: given.stepName ?? handler,
        number: 1,
        kind: given.kind ?? kind,
        config: plain(given.config ?? {}),
        attempt: given.attempt ?? 1,
        max_attempts: given.maxAttempts ?? 3,
        idempotency_key: given.idempotencyKey ?? `${taskId}:1`,
        deadline: given.deadline === undefined ? null : given.deadline.getTime() / 1000,
      },
      results: plain(given.results ?? {}),
      saved,
      undoes:
        undoes === undefined
          ? null
          : { name: undoes.name, idempotency_key: undoes.idempotencyKey, completed: undoes.completed },
    },
    services,
  );
}

function readOutcome(outcome: Awaited<ReturnType<typeof execute>>["outcome"]): TestOutcome {
  if (outcome.outcome !== "complete") return outcome;
  const { result, expansion } = outcome;
  const asked = expansion === undefined ? {} : { expansion: JSON.parse(expansion) as unknown };
  return { outcome: "complete", result: JSON.parse(result) as unknown, ...asked };
}

function plain<T>(value: T): T {
  return JSON.parse(encode(value, "what the handler is given")) as T;
}

// Runs one handler to its outcome. Touches the handler, and what the handler touches.

import type { StepContext } from "./context.ts";
import { PermanentError, RetryableError } from "./errors.ts";
import { Expansion } from "./expansion.ts";
import { describeFailure } from "./failures.ts";
import type { Definition } from "./handlers.ts";
import { encode } from "./json.ts";
import type { Outcome } from "./protocol.ts";

/** What a run came to, and what the handler threw, for those who test it. */
export interface Ran {
  readonly outcome: Outcome;
  readonly thrown?: unknown;
}

/** Run a handler. Never rejects. */
export async function execute(definition: Definition, ctx: StepContext): Promise<Ran> {
  const ran = await attempt(definition, ctx);
  const durable = ctx.usedDurable;
  if (durable?.suspended === undefined) return ran;
  await durable.settle();
  if (!("thrown" in ran) || ran.thrown !== durable.suspended) {
    const { name } = durable.suspended.waiting;
    ctx.logger.warning(
      `${definition.name} went on after it had to wait for ${name}: it must throw again what isSuspended knows. It waits all the same.`,
    );
  }
  return { outcome: { outcome: "wait", wait: durable.suspended.waiting } };
}

async function attempt(definition: Definition, ctx: StepContext): Promise<Ran> {
  try {
    return { outcome: complete(await definition.invoke(ctx)) };
  } catch (thrown) {
    return { outcome: fail(ctx, thrown), thrown };
  }
}

function complete(returned: unknown): Outcome {
  if (!(returned instanceof Expansion)) return { outcome: "complete", result: encode(returned, "the result") };
  const result = encode(returned.result, "the result");
  return { outcome: "complete", result, expansion: returned.encode() };
}

function fail(ctx: StepContext, thrown: unknown): Outcome {
  if (ctx.cancelled) return { outcome: "cancelled" };
  const error = describeFailure(thrown);
  try {
    if (thrown instanceof PermanentError) return { outcome: "error", error };
    const delay = thrown instanceof RetryableError ? thrown.retryAfter : undefined;
    if (typeof delay === "number" && delay >= 0) return { outcome: "retry", error, delay };
  } catch {
    // A proxy whose traps throw: it says nothing of itself.
  }
  return { outcome: "retry", error };
}

// The steps of `abroad.py` that are in TypeScript. Each run writes into the ledger what a run in Python does, and its
// worker's process. Results are marks.

import { randomBytes } from "node:crypto";
import { appendFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";

import { isSuspended, RetryableError, step, type StepContext } from "tasker-pg";

interface Job {
  readonly number: number;
  readonly pause: number;
  readonly long: number;
  readonly failures: number;
  readonly sleep: number;
}

interface Mark {
  readonly value: number;
  readonly run: string;
}

const ledger = process.env["CHAOS_LEDGER"]!;
const host = process.ppid;

/** Appends one line to the ledger, in one call, so that who is killed tears no line but the own. */
function writeDown(event: string, facts: object = {}): void {
  const at = Number(process.hrtime.bigint()) / 1e9;
  const line = JSON.stringify({ event, at, pid: process.pid, host, language: "typescript", ...facts });
  appendFileSync(ledger, `\n${line}\n`);
}

/** One run of a handler: `work` gets its id, and returns its value. */
async function run(
  ctx: StepContext,
  saw: Readonly<Record<string, readonly Mark[]>>,
  work: (id: string) => Promise<number>,
): Promise<Mark> {
  const id = `${process.pid}-${randomBytes(6).toString("hex")}`;
  const seen = Object.fromEntries(Object.entries(saw).map(([name, marks]) => [name, marks.map((mark) => mark.run)]));
  const { stepName: step, stepNumber: no, attempt, idempotencyKey: key } = ctx;
  writeDown("run", { run: id, task: ctx.task.id, no, step, attempt, key, saw: seen });
  try {
    const value = await work(id);
    writeDown("end", { run: id });
    return { value, run: id };
  } catch (error) {
    writeDown("left", { run: id, by: isSuspended(error) ? "Left" : (error as Error).name });
    throw error;
  }
}

/** Something that is done once: its result is saved, and the same for whoever comes after. */
async function once(ctx: StepContext, id: string, name: string): Promise<void> {
  const saved = await ctx.run(name, async () => `${id}:${name}`);
  writeDown("passed", { run: id, name, saved });
}

step<Job, Mark, { open: Mark }>("ts_right", ({ input, results: { open }, ctx }) =>
  run(ctx, { open: [open] }, async () => {
    await setTimeout(1000 * (input.pause + input.long));
    return open.value + 2;
  }),
);

step<Job, Mark, { carry: readonly Mark[] }>("ts_tally", ({ results: { carry }, ctx }) =>
  run(ctx, { carry }, async () => carry.reduce((sum, mark) => sum + mark.value, 0)),
);

step<Job, Mark>("ts_wait", ({ input, ctx }) =>
  run(ctx, {}, async (id) => {
    await once(ctx, id, "one");
    await ctx.sleep(input.sleep);
    await once(ctx, id, "two");
    const { number } = await ctx.waitEvent<{ number: number }>("go");
    if (ctx.attempt <= input.failures) throw new RetryableError("after the event");
    await setTimeout(1000 * input.pause);
    return number;
  }),
);

writeDown("child");

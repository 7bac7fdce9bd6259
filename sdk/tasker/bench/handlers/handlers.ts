// The benchmark's handler in TypeScript: it does the work that the step's configuration asks for, and says when.
import { setTimeout } from "node:timers/promises";

import { step } from "tasker-pg";

interface Config {
  readonly work: "nothing" | "sleep" | "spin";
  readonly ms: number;
  readonly payload: number;
  readonly timed: boolean;
}

const now = (): number => Number(process.hrtime.bigint()) / 1e9;

step("tasker_bench_step", async ({ ctx }) => {
  const { work, ms, payload, timed } = ctx.config as unknown as Config;
  const started = timed ? now() : 0;
  if (work === "sleep") await setTimeout(ms);
  if (work === "spin") for (const until = now() + ms / 1000; now() < until; );
  const result = { number: 1, note: "x".repeat(payload) };
  return timed ? { ...result, started, ended: now() } : result;
});

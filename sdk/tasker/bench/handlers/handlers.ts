// The benchmark's handler in TypeScript: it does the work that the step's configuration asks for, and says when.
import { setTimeout } from "node:timers/promises";

import { step } from "tasker-pg";

interface Config {
  readonly work: "nothing" | "sleep" | "spin";
  readonly ms: number;
  readonly payload: number;
}

const now = (): number => Number(process.hrtime.bigint()) / 1e9;

step("tasker_bench_step", async ({ ctx }) => {
  const started = now();
  const config = ctx.config as unknown as Config;
  if (config.work === "sleep") await setTimeout(config.ms);
  const until = started + config.ms / 1000;
  while (config.work === "spin" && now() < until);
  return { number: 1, note: "x".repeat(config.payload), started, ended: now() };
});

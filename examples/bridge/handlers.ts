// What the conformance kit asks for, with the package for TypeScript: `tasker bridge test` is said to it through main.ts.

import { PermanentError, RetryableError, step } from "tasker-pg";

step("echo", ({ input }) => input);
step("retry", () => {
  throw new RetryableError("again", { retryAfter: 1.5 });
});
step("give_up", () => {
  throw new PermanentError("never");
});
step("crash", () => {
  throw new Error("something is wrong");
});
step("print", () => {
  console.log("a line for the log");
});
step("hang", async ({ ctx }) => {
  await new Promise((_, stop) => ctx.signal.addEventListener("abort", () => stop(ctx.signal.reason)));
});
step("report", ({ ctx }) => {
  ctx.progress(1, { total: 2, note: "half" });
});
step("remember", async ({ ctx }) => await ctx.run("once", () => 42));
step("nap", async ({ ctx }) => {
  await ctx.sleep(60);
  return "rested";
});
step("listen", async ({ ctx }) => await ctx.waitEvent("paid", { timeout: 60 }));
step("parent", async ({ ctx }) => await ctx.runTask("kit/other", { a: 1 }, { name: "kid" }));

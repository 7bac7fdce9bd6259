// Handlers as they are written and unit-tested: what each kind takes, gives and refuses.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inspect } from "node:util";

import * as library from "../src/index.ts";
import {
  ApprovalTimedOut,
  batch,
  batchWorker,
  type Call,
  compensation,
  ContractError,
  decision,
  DefinitionError,
  Expansion,
  isSuspended,
  PermanentError,
  register,
  RetryableError,
  slices,
  step,
  StepHandler,
  TaskCancelled,
  TaskFailed,
  TaskTimedOut,
} from "../src/index.ts";
import { runHandler, type TestRun } from "../src/testing.ts";

interface Order {
  readonly total: number;
}
interface Cart {
  readonly cents: number;
}

const ID = "01980000-0000-7000-8000-000000000001";
let names = 0;
const fresh = (): string => `handler-${++names}`;

/** Run what a step does with its context. */
async function inContext(
  handle: (call: Call<any, any>) => unknown,
  given: Parameters<typeof runHandler>[1] = {},
): Promise<TestRun> {
  return await runHandler(step(fresh(), handle), given);
}

function completed(run: TestRun): unknown {
  assert.equal(run.outcome.outcome, "complete", JSON.stringify(run.outcome));
  return run.outcome.outcome === "complete" ? run.outcome.result : undefined;
}

function failed(run: TestRun): { outcome: string; type: string; message: string } {
  assert.ok("error" in run.outcome, JSON.stringify(run.outcome));
  return { outcome: run.outcome.outcome, type: run.outcome.error.type, message: run.outcome.error.message };
}

describe("definitions", () => {
  test("a step is typed by its input, its result and its parents", async () => {
    const charge = step<Order, { charged: number }, { cart: Cart }>(fresh(), async ({ input, results }) => ({
      charged: Math.min(input.total, results.cart.cents),
    }));
    // @ts-expect-error: the result is not what the step promises
    step<Order, { charged: number }>(fresh(), async () => ({ charged: "much" }));
    // @ts-expect-error: the input has no such field
    step<Order, number>(fresh(), async ({ input }) => input.amount);
    assert.deepEqual(completed(await runHandler(charge, { input: { total: 5 }, results: { cart: { cents: 3 } } })), {
      charged: 3,
    });
    assert.deepEqual(completed(await runHandler(charge.name, { input: { total: 1 }, results: { cart: { cents: 3 } } })), {
      charged: 1,
    });
  });

  test("a class is registered under what it handles", async () => {
    class ValidateCart extends StepHandler<Order, Cart> {
      static handles = "validate_cart";
      static inputSchema = { type: "object" };
      async call({ input }: Call<Order>): Promise<Cart> {
        return { cents: this.#price(input.total) };
      }
      #price(total: number): number {
        return total * 100;
      }
    }
    const definition = register(ValidateCart);
    assert.deepEqual([definition.name, definition.inputSchema], ["validate_cart", { type: "object" }]);
    assert.deepEqual(completed(await runHandler("validate_cart", { input: { total: 2 } })), { cents: 200 });
    assert.throws(() => register(ValidateCart), DefinitionError);
  });

  test("what cannot be a handler is refused when it is defined", () => {
    const name = fresh();
    step(name, () => 1);
    assert.throws(() => step(name, () => 2), /two handlers are named/);
    assert.throws(() => step("", () => 1), /1 to 255 characters/);
    assert.throws(() => step("é".repeat(256), () => 1), /1 to 255 characters/);
    assert.throws(() => step(fresh(), 17 as never), /is no function, but number/);
    assert.throws(() => step(fresh(), () => 1, { inputSchema: [] as never }), /inputSchema is no JSON Schema/);
    assert.throws(() => step(fresh(), () => 1, { resultSchema: { a: 1n } }), /resultSchema: \$\.a is a BigInt/);
  });

  test("a decision gives a name, names or nothing", async () => {
    const route = decision<Order, "small" | "large">(fresh(), ({ input }) => (input.total > 100 ? "large" : ["small"]));
    // @ts-expect-error: there is no such branch
    decision<Order, "small" | "large">(fresh(), () => "medium");
    assert.equal(completed(await runHandler(route, { input: { total: 101 } })), "large");
    assert.deepEqual(completed(await runHandler(route, { input: { total: 1 } })), ["small"]);
    assert.equal(completed(await runHandler(decision(fresh(), () => null))), null);
    const wrong = await runHandler(decision(fresh(), (() => [1]) as never));
    assert.match(failed(wrong).message, /must give a name, a list of names or null/);
    assert.equal(failed(wrong).outcome, "error");
  });

  test("a batch gives items, and its worker takes one", async () => {
    const split = batch<Order, { start: number }>(fresh(), ({ input }) => slices(input.total, 2));
    assert.deepEqual(completed(await runHandler(split, { input: { total: 3 } })), [
      { start: 0, stop: 2 },
      { start: 2, stop: 3 },
    ]);
    assert.equal(failed(await runHandler(batch(fresh(), (() => 17) as never))).outcome, "error");
    const work = batchWorker<{ start: number }, number>(fresh(), ({ item }) => item.start + 1);
    assert.equal(completed(await runHandler(work, { results: { split: { start: 4 } } })), 5);
    assert.match(failed(await runHandler(work)).message, /takes no single item/);
    assert.throws(() => slices(3, 0), RangeError);
    assert.throws(() => slices(100_001, 1), RangeError);
  });

  test("a compensation takes the step that it undoes", async () => {
    const refund = compensation<Order, { charge: string }>(fresh(), ({ undoes, undone }) => [undoes.idempotencyKey, undone?.charge]);
    const undoes = { name: "charge", idempotencyKey: "k1", completed: true };
    const run = await runHandler(refund, { undoes, results: { charge: { charge: "c1" } } });
    assert.deepEqual(completed(run), ["k1", "c1"]);
    assert.match(failed(await runHandler(refund)).message, /undoes nothing/);
  });

  test("an expansion is typed by the steps that it asks for", async () => {
    const search = step<unknown, string[], { query: string }>(fresh(), ({ results }) => [results.query]);
    const count = step<unknown, number, { found: string[] }>(fresh(), ({ results }) => results.found.length);
    const run = await inContext(() => {
      const expansion = new Expansion({ asked: 2 });
      const found = expansion.add(search, { query: "cats" });
      expansion.add(count, { found }).after(found);
      // @ts-expect-error: it takes no number
      new Expansion().add(search, { query: 17 });
      // @ts-expect-error: that step gives no list
      new Expansion().add(count, { found: new Expansion().add(count, { found: [] }) });
      assert.equal(expansion.size, 2);
      assert.throws(() => expansion.existing("draft").after(found), PermanentError);
      assert.throws(() => expansion.add("search", { query: Number.NaN }), ContractError);
      return expansion;
    });
    assert.deepEqual(run.outcome, {
      outcome: "complete",
      result: { asked: 2 },
      expansion: [
        { step: search.name, values: { query: "cats" }, takes: {}, after: [] },
        { step: count.name, values: {}, takes: { found: 0 }, after: [0] },
      ],
    });
  });

  test("the whole of the library is what is exported, and no more", () => {
    assert.deepEqual(Object.keys(library).sort(), [
      "ApprovalTimedOut", "ContractError", "DefinitionError", "EventTimedOut", "Expansion", "PermanentError",
      "RetryableError", "RunCancelled", "StepHandler", "TaskCancelled", "TaskFailed", "TaskTimedOut", "TaskerError",
      "VERSION", "batch", "batchWorker", "compensation", "decision", "isSuspended", "register", "registered", "serve",
      "slices", "step",
    ]);
  });
});

describe("the context", () => {
  test("knows the attempt, the step and the task", async () => {
    const deadline = new Date(Date.now() + 5000);
    const run = await inContext(
      ({ ctx }) => {
        const left = ctx.remaining();
        assert.ok(left !== null && left > 3 && left <= 5);
        assert.equal(ctx.deadline?.getTime(), deadline.getTime());
        const { attempt, maxAttempts, idempotencyKey, config, stepName, kind, tags, task, undoes, cancelled, trace } = ctx;
        return { attempt, maxAttempts, idempotencyKey, config, stepName, kind, tags, task, undoes, cancelled, trace };
      },
      { attempt: 2, maxAttempts: 5, deadline, config: { warehouse: "north" }, tags: ["vip"], taskId: ID, stepName: "ship" },
    );
    assert.deepEqual(completed(run), {
      attempt: 2,
      maxAttempts: 5,
      idempotencyKey: `${ID}:1`,
      config: { warehouse: "north" },
      stepName: "ship",
      kind: "standard",
      tags: ["vip"],
      task: { id: ID, namespace: "test", template: "test", version: "1", context: null, correlationId: null, tags: ["vip"] },
      undoes: null,
      cancelled: false,
      trace: null,
    });
    assert.deepEqual(completed(await inContext(({ ctx }) => [ctx.deadline, ctx.remaining()])), [null, null]);
  });

  test("shows nothing of what the step is given, where it is logged or thrown", async () => {
    const given = { input: { card: "4242" }, results: { cart: "4242" }, saved: { "run:a": "4242" } };
    const run = await inContext(({ ctx }) => inspect(ctx, { depth: 9, showHidden: true }) + JSON.stringify(ctx) + String(ctx), given);
    assert.doesNotMatch(completed(run) as string, /4242/);
    const typo = await inContext(({ ctx }) => (ctx as never as { inputt(): void }).inputt(), given);
    assert.doesNotMatch(JSON.stringify(typo.outcome), /4242/);
  });

  test("reports and logs", async () => {
    const run = await inContext(({ ctx }) => {
      ctx.progress(1);
      ctx.progress(2, { total: 3, note: "two" });
      const circle: Record<string, unknown> = { when: new Date(0) };
      circle["self"] = circle;
      ctx.logger.error("watch out", circle);
      assert.throws(() => ctx.progress(Number.NaN), PermanentError);
      assert.throws(() => ctx.progress(undefined as never), PermanentError);
    });
    assert.deepEqual(run.progress, [{ done: 1 }, { done: 2, total: 3, note: "two" }]);
    assert.deepEqual(run.logs, [
      { level: "error", message: "watch out", fields: { when: "1970-01-01T00:00:00.000Z", self: "[…]" } },
    ]);
  });

  test("aborts what it is handed to, with the reason", async () => {
    const controller = new AbortController();
    const running = inContext(
      async ({ ctx }) => await new Promise((_, reject) => ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason))),
      { signal: controller.signal },
    );
    controller.abort();
    const run = await running;
    assert.deepEqual(run.outcome, { outcome: "cancelled" });
    assert.equal((run.thrown as { reason?: string }).reason, "cancelled");
  });

  test("does nothing more when it is cancelled", async () => {
    const run = await inContext(
      async ({ ctx }) => {
        assert.ok(ctx.signal.aborted);
        await ctx.run("charge", () => assert.fail("it was called"));
      },
      { signal: AbortSignal.abort() },
    );
    assert.deepEqual(run.outcome, { outcome: "cancelled" });
  });
});

describe("what a run remembers", () => {
  test("a function is called once, and gives the same the first time", async () => {
    let calls = 0;
    const handle = step(fresh(), async ({ ctx }) => await ctx.run("charge", () => ({ at: new Date(calls++) })));
    const first = await runHandler(handle);
    const again = await runHandler(handle, { saved: first.saved });
    assert.equal(calls, 1);
    assert.deepEqual([completed(first), completed(again)], [{ at: "1970-01-01T00:00:00.000Z" }, { at: "1970-01-01T00:00:00.000Z" }]);
  });

  test("what a function throws is not saved", async () => {
    const run = await inContext(async ({ ctx }) => {
      await ctx.run("charge", () => {
        throw new RetryableError("busy", { retryAfter: 3 });
      });
    });
    assert.deepEqual([run.outcome.outcome, run.saved], ["retry", {}]);
    assert.equal(run.outcome.outcome === "retry" && run.outcome.delay, 3);
    const bad = await inContext(({ ctx }) => ctx.run("bad", () => 1n));
    assert.match(failed(bad).message, /what run bad returns: \$ is a BigInt/);
  });

  test("a name is used once, and has 1 to 255 characters of text", async () => {
    for (const [handle, message] of [
      [async ({ ctx }: Call) => [await ctx.run("a", () => 1), await ctx.run("a", () => 2)], /two runs are named a/],
      [({ ctx }: Call) => ctx.run("", () => 1), /1 to 255 characters, not 0/],
      [({ ctx }: Call) => ctx.run("é".repeat(256), () => 1), /1 to 255 characters, not 256/],
      [({ ctx }: Call) => ctx.run("\ud800", () => 1), /no text/],
    ] as const) {
      const { outcome, message: said } = failed(await inContext(handle));
      assert.equal(outcome, "error");
      assert.match(said, message);
    }
    assert.equal(completed(await inContext(async ({ ctx }) => await ctx.run("🙂".repeat(255), () => 1))), 1);
  });

  test("a checkpoint is there in the next run", async () => {
    const count = step(fresh(), async ({ ctx }) => {
      const from = (ctx.lastCheckpoint?.cursor ?? 0) as number;
      await ctx.checkpoint(from + 10, { sum: from });
      return from;
    });
    const first = await runHandler(count);
    assert.deepEqual(first.saved, { checkpoint: { cursor: 10, partial: { sum: 0 } } });
    const second = await runHandler(count, { saved: first.saved });
    assert.deepEqual([completed(second), second.saved], [10, { checkpoint: { cursor: 20, partial: { sum: 10 } } }]);
  });

  test("what is done under a lost lease fails the attempt", async () => {
    for (const handle of [
      ({ ctx }: Call) => ctx.run("a", () => 1),
      ({ ctx }: Call) => ctx.checkpoint(1),
      ({ ctx }: Call) => ctx.startTask("shop/refund"),
    ]) {
      const { outcome, message } = failed(await inContext(handle, { leaseLost: true }));
      assert.equal(outcome, "retry");
      assert.match(message, /the lease was lost/);
    }
  });

  test("sleeps are told apart by their order, or by name", async () => {
    const handle = step(fresh(), async ({ ctx }) => {
      await ctx.sleep("1m");
      await ctx.sleep(0.5, "short");
      await ctx.sleep("1h30m");
      return "awake";
    });
    const waits: unknown[] = [];
    let saved: Record<string, unknown> = {};
    for (;;) {
      const run = await runHandler(handle, { saved });
      if (run.outcome.outcome !== "wait") break;
      waits.push(run.outcome.wait);
      saved = { ...run.saved, [run.outcome.wait.name]: { timeout: true } };
    }
    assert.deepEqual(waits, [
      { name: "sleep:1", seconds: 60 },
      { name: "sleep:short", seconds: 0.5 },
      { name: "sleep:3", seconds: 5400 },
    ]);
    for (const wrong of ["soon", -1, Number.NaN, "4000d"]) {
      assert.equal(failed(await inContext(({ ctx }) => ctx.sleep(wrong))).outcome, "error");
    }
  });

  test("an event is awaited, and may be null", async () => {
    const handle = step(fresh(), ({ ctx }) => ctx.waitEvent("paid"));
    assert.deepEqual((await runHandler(handle)).outcome, { outcome: "wait", wait: { name: "event:paid", event: "paid" } });
    assert.equal(completed(await runHandler(handle, { saved: { "event:paid": { event: null } } })), null);
    const late = await inContext(
      async ({ ctx }) => {
        try {
          return await ctx.waitEvent("paid", { timeout: "1s" });
        } catch (error) {
          if (isSuspended(error)) throw error;
          return (error as Error).name;
        }
      },
      { saved: { "event:paid": {} } },
    );
    assert.equal(completed(late), "EventTimedOut");
  });

  test("people are asked", async () => {
    const form = { type: "object" };
    const handle = step(fresh(), ({ ctx }) =>
      ctx.ask<{ amount: number }>("refund", { title: "Refund?", data: { order: 1 }, form, who: ["ops"], timeout: 60 }),
    );
    assert.deepEqual((await runHandler(handle)).outcome, {
      outcome: "wait",
      wait: {
        name: "ask:refund",
        seconds: 60,
        approval: { name: "refund", title: "Refund?", data: { order: 1 }, form, who: ["ops"] },
      },
    });
    const answered = { approved: true, answer: { amount: 3 }, by: "ann", reason: null };
    assert.deepEqual(completed(await runHandler(handle, { saved: { "ask:refund": answered } })), { ...answered, expired: false });
    const empty = await runHandler(handle, { saved: { "ask:refund": { ...answered, answer: null } } });
    assert.equal(failed(empty).type, ContractError.name);
    assert.equal(failed(await runHandler(handle, { saved: { "ask:refund": {} } })).type, ApprovalTimedOut.name);
    const byDefault = await inContext(({ ctx }) => ctx.ask("refund", { default: false }), { saved: { "ask:refund": {} } });
    assert.deepEqual(completed(byDefault), { approved: false, answer: null, by: null, reason: null, expired: true });
    assert.equal(failed(await inContext(({ ctx }) => ctx.ask("refund", { who: "ann" as never }))).outcome, "error");
  });

  test("tasks are started once, and awaited", async () => {
    const handle = step(fresh(), async ({ ctx }) => await ctx.runTask("shop/refund", { order: 1 }, { timeout: 60, tags: ["a"] }));
    const first = await runHandler(handle);
    assert.deepEqual(first.started, [{ name: "refund", template: "shop/refund", input: { order: 1 }, tags: ["a"] }]);
    const id = first.saved["start:refund"];
    assert.deepEqual(first.outcome, {
      outcome: "wait",
      wait: { name: "task:refund", task: id, seconds: 60, until_blocked: false },
    });
    const end = async (came: unknown): Promise<TestRun> =>
      await runHandler(handle, { saved: { ...first.saved, "task:refund": came } });
    const done = await end({ state: "complete", result: 7, errors: [], reason: null });
    assert.deepEqual([completed(done), done.started], [7, []]);
    assert.equal(completed(await end({ state: "resolved_manually", result: 8 })), 8);
    const errors = [{ step: "pay", type: "Declined", message: "no" }];
    const blocked = await end({ state: "blocked_by_failures", result: null, errors, reason: null });
    assert.ok(blocked.thrown instanceof TaskFailed);
    assert.match(blocked.thrown.message, /is in state blocked_by_failures\n {2}pay: Declined: no/);
    assert.ok((await end({ state: "cancelled", reason: "why" })).thrown instanceof TaskCancelled);
    assert.ok((await end({ timeout: true })).thrown instanceof TaskTimedOut);
    assert.match(failed(await end({ state: null })).message, /may have been pruned/);
  });

  test("any task is awaited by its id, the second time under another name", async () => {
    const handle = step(fresh(), async ({ ctx }) => [
      await ctx.waitTask(ID, { onBlocked: "raise" }),
      await ctx.waitTask(ID),
    ]);
    const done = { state: "complete", result: 1 };
    const wait = { task: ID, until_blocked: true };
    assert.deepEqual((await runHandler(handle)).outcome, { outcome: "wait", wait: { name: `task:${ID}`, ...wait } });
    assert.deepEqual((await runHandler(handle, { saved: { [`task:${ID}`]: done } })).outcome, {
      outcome: "wait",
      wait: { name: `task:${ID}#2`, task: ID, until_blocked: false },
    });
    assert.match(failed(await inContext(({ ctx }) => ctx.waitTask("17"))).message, /"17" is no task's id/);
    assert.match(failed(await inContext(({ ctx }) => ctx.startTask("refund"))).message, /names no template/);
  });

  test("after a wait nothing more is done, whatever the handler catches", async () => {
    const run = await inContext(async ({ ctx }) => {
      await ctx.waitEvent("paid").catch(() => undefined);
      await ctx.run("charge", () => assert.fail("it was called")).catch(() => undefined);
      await ctx.waitEvent("other").catch(() => undefined);
      throw new Error("wrapped");
    });
    assert.deepEqual(run.outcome, { outcome: "wait", wait: { name: "event:paid", event: "paid" } });
    assert.match(run.logs[0]?.message ?? "", /went on after it had to wait for event:paid/);
  });

  test("what is under way beside a wait is saved before the run ends", async () => {
    const run = await inContext(async ({ ctx }) => {
      const charging = ctx.run("charge", async () => await new Promise((resolve) => setTimeout(resolve, 20, "charged")));
      await Promise.all([charging, ctx.waitEvent("paid")]);
    });
    assert.equal(run.outcome.outcome, "wait");
    assert.deepEqual(run.saved, { "run:charge": "charged" });
  });
});

// Every row of the protocol, said to a real child.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";

import { Child, executeParams, FLAGS, HANDLERS, type Line, MAIN } from "./child.ts";

describe("a child that is ready", { concurrency: false }, () => {
  let child: Child;
  before(async () => {
    child = await Child.start();
  });
  after(async () => {
    await child.leave();
  });

  test("runs a handler on what it is given", async () => {
    const result = await child.run("echo", { task: { input: { a: 1 } }, results: { cart: [2] }, step: { attempt: 2 } });
    assert.deepEqual(result, {
      outcome: "complete",
      result: { input: { a: 1 }, results: { cart: [2] }, attempt: 2, key: "key" },
    });
  });

  test("gives undefined as null", async () => {
    assert.deepEqual(await child.run("nothing"), { outcome: "complete", result: null });
  });

  test("runs many at once, and answers in any order", async () => {
    const slow = child.execute("block", { task: { input: "order" } });
    const quick = child.execute("echo");
    assert.equal((await child.hear())["id"], quick);
    const unblocking = child.execute("unblock", { task: { input: "order" } });
    assert.deepEqual([(await child.hear())["id"], (await child.hear())["id"]].sort(), [slow, unblocking].sort());
  });

  test("answers a ping while handlers run", async () => {
    const open = child.execute("hold", { run: "pinged" });
    const ping = child.ask("ping", {});
    assert.deepEqual(await child.hear(), { jsonrpc: "2.0", id: ping, result: {} });
    child.cancel("pinged");
    assert.deepEqual(await child.hear(), { jsonrpc: "2.0", id: open, result: { outcome: "cancelled" } });
  });

  test("answers a cancelled run with what it came to", async () => {
    const id = child.execute("deaf", { run: "deaf" });
    child.cancel("deaf");
    assert.deepEqual(await child.hear(), { jsonrpc: "2.0", id, result: { outcome: "complete", result: "went on" } });
  });

  test("ignores a cancel of a run that is unknown or answered, and one that says nothing", async () => {
    child.cancel("never was");
    child.cancel("deaf");
    child.say({ method: "cancel", params: {} });
    child.say({ method: "cancel" });
    assert.equal((await child.run("nothing"))["outcome"], "complete");
  });

  test("says what kind of failure it was", async () => {
    const retry = await child.run("retry");
    assert.equal(retry["outcome"], "retry");
    assert.equal(retry["delay"], 90);
    assert.equal(retry["error"].type, "OutOfStock");
    assert.deepEqual(retry["error"].kinds, ["OutOfStock", "RetryableError", "TaskerError", "Error"]);
    assert.match(retry["error"].traceback, /^OutOfStock: later\n +at .*handlers\.ts/);
    const refused = await child.run("refuse");
    assert.deepEqual([refused["outcome"], refused["error"].type, refused["error"].message], ["error", "PermanentError", "never"]);
  });

  test("makes any exception a retry, and its text storable", async () => {
    const { outcome, error, delay } = await child.run("break");
    assert.deepEqual([outcome, delay, error.type, error.kinds], ["retry", undefined, "TypeError", ["TypeError", "Error"]]);
    assert.equal(error.message, "half an emoji \ufffd and a \\0");
    assert.match(error.traceback, /caused by: Error: the first cause/);
    const thrown = await child.run("throw_text");
    assert.deepEqual([thrown["outcome"], thrown["error"].message], ["retry", "just a text"]);
    assert.equal((await child.run("throw_proxy"))["outcome"], "retry");
  });

  for (const [value, message] of Object.entries({
    nan: /the result: \$\.a\[1\] is NaN/,
    bigint: /the result: \$ is a BigInt/,
    function: /the result: \$\.f is a function/,
    circle: /the result: \$\.self\S* refers to itself/,
    hole: /the result: \$\[1\] is undefined/,
    surrogate: /the result: \$\.text holds half of a surrogate pair/,
    nul: /the result: \$ holds a NUL/,
    large: /the result: has 17,825,794 bytes as JSON; 16,777,216 is the most/,
  })) {
    test(`refuses a result that JSON cannot hold: ${value}`, async () => {
      const { outcome, error } = await child.run("return", { task: { input: { value } } });
      assert.deepEqual([outcome, error.type], ["error", "ContractError"]);
      assert.match(error.message, message);
    });
  }

  test("leaves out what is undefined in an object", async () => {
    const { result } = await child.run("return", { task: { input: { value: "optional" } } });
    assert.deepEqual(result, { a: 1 });
  });

  test("keeps its standard output for the protocol", async () => {
    assert.equal((await child.run("print"))["result"], "printed");
    for (const text of ["while the file was imported", "by console.log", "to process.stdout", "by a console of its own", "to its descriptor"]) {
      await child.logged(text);
    }
  });

  test("waits, and goes on with what it waited for", async () => {
    assert.deepEqual(await child.run("wait"), {
      outcome: "wait",
      wait: { name: "event:paid", event: "paid", seconds: 60 },
    });
    assert.equal((await child.run("wait", { saved: { "event:paid": { event: 7 } } }))["result"], 7);
    const late = await child.run("wait", { saved: { "event:paid": { timeout: true } } });
    assert.deepEqual([late["outcome"], late["error"].type], ["error", "EventTimedOut"]);
  });

  test("waits also when the handler has swallowed the wait, and says so", async () => {
    const id = child.execute("swallow", { run: "swallowed" });
    const { method, params } = await child.hear();
    assert.deepEqual([method, params.level, params.run], ["log", "warning", "swallowed"]);
    assert.match(params.message, /swallow went on after it had to wait for sleep:1/);
    const wait = { name: "sleep:1", seconds: 2 };
    assert.deepEqual(await child.hear(), { jsonrpc: "2.0", id, result: { outcome: "wait", wait } });
  });

  test("saves by name, and skips what is saved", async () => {
    const id = child.execute("save", { run: "saving" });
    const first = await child.hear();
    const value = { at: "1970-01-01T00:00:00.000Z" };
    assert.deepEqual(first["params"], { run: "saving", name: "run:first", value, replace: false });
    child.say({ id: first["id"], result: { saved: true } });
    const second = await child.hear();
    const checkpoint = { cursor: 5, partial: { sum: 1 } };
    assert.deepEqual(second["params"], { run: "saving", name: "checkpoint", value: checkpoint, replace: true });
    child.say({ id: second["id"], result: { saved: true } });
    assert.deepEqual(await child.hear(), {
      jsonrpc: "2.0",
      id,
      result: { outcome: "complete", result: { first: value, last: null } },
    });
    child.execute("save", { saved: { "run:first": 1, checkpoint: { cursor: 4, partial: null } } });
    child.say({ id: (await child.hear())["id"], result: { saved: true } });
    assert.deepEqual((await child.hear())["result"].result, { first: 1, last: { cursor: 4, partial: null } });
  });

  test("fails the attempt when the lease was lost, and as the host refuses", async () => {
    child.execute("save");
    child.say({ id: (await child.hear())["id"], result: { saved: false } });
    assert.match((await child.hear())["result"].error.message, /the lease was lost, so first was not saved/);
    child.execute("start");
    child.say({ id: (await child.hear())["id"], error: { code: -32602, message: "there is no template shop/refund" } });
    const refused = (await child.hear())["result"];
    assert.deepEqual([refused.outcome, refused.error.message], ["error", "there is no template shop/refund"]);
    child.execute("start");
    child.say({ id: (await child.hear())["id"], error: { code: -32004, message: "not open" } });
    assert.equal((await child.hear())["result"].outcome, "retry");
  });

  test("starts tasks", async () => {
    child.execute("start", { run: "starting" });
    const { id, method, params } = await child.hear();
    assert.equal(method, "start_task");
    const asked = { name: "refund", template: "shop/refund", input: { order: 1 }, priority: "low" };
    assert.deepEqual(params, { run: "starting", ...asked });
    child.say({ id, result: { task_id: "01980000-0000-7000-8000-000000000001" } });
    assert.equal((await child.hear())["result"].result, "01980000-0000-7000-8000-000000000001");
  });

  test("reports progress before the answer, the last of it alone, and logs", async () => {
    child.execute("report", { run: "reporting" });
    const [progress, log, answer] = [await child.hear(), await child.hear(), await child.hear()];
    assert.deepEqual(progress["params"], { run: "reporting", done: 2, total: 2, note: "all" });
    const fields = { count: 3, big: "10" };
    assert.deepEqual(log["params"], { level: "info", message: "half \ufffd", run: "reporting", fields });
    assert.equal(answer["result"].outcome, "complete");
    child.execute("flood");
    assert.equal((await child.hear())["params"].done, 99_999);
    assert.equal((await child.hear())["result"].result, "flooded");
  });

  test("says nothing of a run that is over", async () => {
    const id = child.execute("report_late");
    assert.equal((await child.hear())["id"], id);
    const { method, params } = await child.hear();
    assert.deepEqual([method, params.message], ["log", "RetryableError: checkpoint: the run is over"]);
    const ping = child.ask("ping", {});
    assert.equal((await child.hear())["id"], ping);
  });

  test("asks for steps", async () => {
    assert.deepEqual(await child.run("grow"), {
      outcome: "complete",
      result: "grown",
      expansion: [
        { step: "search", values: { query: "cats" }, takes: {}, after: [] },
        { step: "summarize", values: {}, takes: { found: 0, plan: "plan" }, after: ["audit"] },
      ],
    });
  });

  test("survives what is thrown where nobody catches it", async () => {
    for (const [handler, text] of [["stray_rejection", "nobody awaits this"], ["stray_exception", "thrown in a timer"]] as const) {
      const id = child.execute(handler);
      const { method, params } = await child.hear();
      assert.deepEqual([method, params.level], ["log", "error"]);
      assert.ok(params.message.includes(text));
      assert.deepEqual(await child.hear(), { jsonrpc: "2.0", id, result: { outcome: "complete", result: "went on" } });
    }
  });

  test("takes lines in pieces, with carriage returns, and empty ones", async () => {
    const line = Buffer.from(`${JSON.stringify({ jsonrpc: "2.0", id: "é", method: "ping", params: {} })}\r\n`);
    child.write("\n  \r\n\n");
    for (const byte of line) {
      child.write(Buffer.from([byte]));
      await new Promise(setImmediate);
    }
    assert.deepEqual(await child.hear(), { jsonrpc: "2.0", id: "é", result: {} });
  });

  for (const [what, text] of Object.entries({
    "no JSON": "{nonsense",
    "no UTF-8": Buffer.from([0x22, 0xff, 0x22]),
    "half of a surrogate pair": '["\\ud83d", "\\ud83d\\udca9"]',
    "the other half": '["\\uD83D\\u0041"]',
    "nested too deep": `${"[".repeat(1001)}${"]".repeat(1001)}`,
  })) {
    test(`refuses a line that is ${what}`, async () => {
      child.write(Buffer.concat([Buffer.from(text), Buffer.from("\n")]));
      await child.fails(-32700, null);
    });
  }

  test("refuses an object that is no message", async () => {
    const escaped = '["\\ud83d\\udca9", "\\\\ud83d"]';
    for (const line of ["[]", "17", "null", '"text"', escaped, `${"[".repeat(1000)}"[[]"${"]".repeat(1000)}`]) {
      child.write(`${line}\n`);
      await child.fails(-32600, null);
    }
    child.write('{"id": 5, "method": "ping"}\n');
    await child.fails(-32600, 5);
    for (const message of [{ id: null, method: "ping" }, { id: 1.5, method: "ping" }, { id: true, method: "ping" }, {}]) {
      child.say(message);
      await child.fails(-32600, null);
    }
    child.say({ id: 7, method: 3 });
    await child.fails(-32600, 7);
    child.say({ id: 8, result: 1, error: { code: 1, message: "both" } });
    await child.fails(-32600, null);
  });

  test("refuses methods that it does not know, and ignores such notifications", async () => {
    await child.fails(-32601, child.ask("dance", {}));
    child.say({ method: "dance", params: {} });
    child.say({ method: "ping" });
    assert.equal((await child.run("nothing"))["outcome"], "complete");
  });

  test("refuses params that are not as they must be", async () => {
    await child.fails(-32602, child.ask("execute", undefined));
    await child.fails(-32602, child.ask("execute", []));
    for (const member of ["run", "handler", "task", "step", "results", "saved"]) {
      const id = child.ask("execute", { ...executeParams("nothing"), [member]: 17 });
      assert.match(await child.fails(-32602, id), new RegExp(`^${member} is no`));
    }
    assert.match(await child.fails(-32602, child.execute("nothing", { step: { attempt: "1" } })), /step.attempt/);
    await child.fails(-32602, child.ask("shutdown", 17));
  });

  test("refuses an id and a run that are open, and lets the first go on", async () => {
    child.execute("hold", { run: "first" }, "same");
    child.execute("nothing", {}, "same");
    await child.fails(-32600, "same");
    child.ask("ping", {}, "same");
    await child.fails(-32600, "same");
    await child.fails(-32600, child.execute("nothing", { run: "first" }));
    child.cancel("first");
    assert.deepEqual((await child.hear())["id"], "same");
    assert.equal((await child.run("nothing"))["outcome"], "complete");
  });

  test("ignores answers to what it did not ask", async () => {
    child.say({ id: 4711, result: {} });
    child.say({ id: "text", error: { code: 1, message: "m" } });
    child.say({ id: null, error: { code: 1, message: "m" } });
    assert.equal((await child.run("nothing"))["outcome"], "complete");
    await child.logged("an answer to request 4711, which is not open, is ignored");
  });

  test("refuses a handler that is not there", async () => {
    assert.match(await child.fails(-32601, child.execute("nobody")), /nobody/);
  });

  test("ignores fields that it does not know", async () => {
    child.say({ id: "more", method: "execute", params: { ...executeParams("nothing"), later: 1 }, extra: true });
    assert.equal((await child.hear())["result"].outcome, "complete");
  });

  test("takes initialize only once", async () => {
    await child.fails(-32600, child.ask("initialize", { protocol: ["1.0"] }));
  });
});

test("says who it is and what it has", async () => {
  const child = new Child("--concurrency=7", new URL("fixtures/handlers.ts", import.meta.url).pathname);
  await child.fails(-32600, child.ask("ping", {}));
  await child.fails(-32600, child.execute("nothing"));
  await child.fails(-32602, child.ask("initialize", {}));
  child.ask("initialize", { protocol: ["0.9", "1.0", "2.0"], worker: "w", later: 1 });
  const { result } = await child.hear();
  assert.deepEqual([result.protocol, result.concurrency, result.child.language], ["1.0", 7, "typescript"]);
  const echo = { name: "echo", input_schema: { type: "object" }, result_schema: true };
  assert.deepEqual(result.handlers.slice(0, 2), [echo, { name: "nothing" }]);
  await child.leave();
});

test("ends when it shares no version with the host", async () => {
  const child = new Child(new URL("fixtures/handlers.ts", import.meta.url).pathname);
  await child.fails(-32001, child.ask("initialize", { protocol: ["2.0"], worker: "w" }));
  assert.equal(await child.ended, 0);
});

test("gives back what is above its concurrency", async () => {
  const child = await Child.start(67_108_864, "--concurrency=2");
  child.execute("block", { task: { input: 1 } });
  child.execute("hold", { run: "held" });
  assert.match(await child.fails(-32002, child.execute("nothing")), /^too many/);
  child.cancel("held");
  assert.equal((await child.hear())["result"].outcome, "cancelled");
  child.execute("unblock", { task: { input: 1 } });
  await child.hear();
  await child.hear();
  await child.leave();
});

test("skips a line above the limit, and sends none", async () => {
  const child = await Child.start(2000);
  child.execute("nothing", { task: { input: "x".repeat(2000) } });
  await child.fails(-32003, null);
  const { outcome, error } = await child.run("return", { task: { input: { value: "medium" } } });
  assert.deepEqual([outcome, error.type], ["error", "ContractError"]);
  const failed = await child.run("fail_at_length");
  assert.deepEqual([failed["outcome"], failed["delay"], failed["error"].message.length], ["retry", 5, 100]);
  child.write(`${" ".repeat(1999)}\n`); // the line feed counts
  child.write(`${" ".repeat(2000)}\n`);
  await child.fails(-32003, null);
  await child.leave();
});

test("answers what is open before it leaves, takes nothing new, and then ends", async () => {
  const child = await Child.start();
  const open = child.execute("hold", { run: "open" });
  const shutdown = child.ask("shutdown", { grace: 8 });
  await child.fails(-32002, child.execute("nothing"));
  const ping = child.ask("ping", {});
  assert.equal((await child.hear())["id"], ping);
  child.cancel("open", "stopping");
  assert.equal((await child.hear())["id"], open);
  assert.deepEqual(await child.hear(), { jsonrpc: "2.0", id: shutdown, result: {} });
  assert.equal(await child.ended, 0);
});

test("aborts what still runs when the grace of shutdown is over, and ends", async () => {
  const child = await Child.start();
  const held = child.execute("hold");
  child.execute("block"); // for ever
  await child.fails(-32602, child.ask("shutdown", { grace: "8" }));
  child.ask("shutdown", { grace: 0.2 });
  assert.deepEqual(await child.hear(), { jsonrpc: "2.0", id: held, result: { outcome: "cancelled" } });
  assert.equal(await child.ended, 0); // its input is still open
});

test("ends with its input, after the answers that it can still give", async () => {
  const child = await Child.start();
  const deaf = child.execute("deaf");
  const held = child.execute("hold");
  child.execute("block");
  child.process.stdin.end('{"jsonrpc":"2.0","id":"last","method":"ping","params":{}}');
  assert.equal((await child.hear())["id"], "last");
  assert.deepEqual(await child.hear(), { jsonrpc: "2.0", id: held, result: { outcome: "cancelled" } });
  assert.equal((await child.hear())["id"], deaf);
  const since = performance.now();
  assert.equal(await child.ended, 0);
  assert.ok(performance.now() - since < 3000);
});

test("takes in no more than a host that does not read lets it give out, and loses nothing", async () => {
  const process_ = spawn(process.execPath, [...FLAGS, MAIN, HANDLERS], { stdio: ["pipe", "pipe", "ignore"] });
  const say = (message: Line): boolean => process_.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
  say({ id: "hello", method: "initialize", params: { protocol: ["1.0"] } });
  const input = "x".repeat(100_000);
  for (let id = 0; id < 50; id++) say({ id, method: "execute", params: executeParams("echo", { task: { input } }) });
  await new Promise((resolve) => setTimeout(resolve, 1000));
  assert.ok(process_.stdin.writableLength > 0);
  say({ id: "bye", method: "shutdown", params: { grace: 1 } });
  const ids = new Set<unknown>();
  for await (const line of createInterface({ input: process_.stdout })) ids.add((JSON.parse(line) as Line)["id"]);
  assert.equal(ids.size, 52);
});

test("serves in a program that has got hold of standard output before", async () => {
  const file = join(mkdtempSync(join(tmpdir(), "tasker-")), "program.ts");
  const out = "const out = process.stdout; step('print', () => void out.write('held before'));";
  writeFileSync(file, `import { serve, step } from "tasker-pg"; ${out} await serve();`);
  const register = new URL("../src/register.ts", import.meta.url).href;
  const child = new Child({ program: ["--import", register, file] });
  child.ask("initialize", { protocol: ["1.0"] });
  await child.hear();
  assert.equal((await child.run("print"))["outcome"], "complete");
  await child.logged("held before");
  await child.leave();
});

test("takes the library that the handlers' project has installed", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tasker-"));
  const installed = join(folder, "node_modules", "tasker-pg");
  mkdirSync(installed, { recursive: true });
  const exports = { ".": "./index.js", "./testing": "./index.js" };
  writeFileSync(join(installed, "package.json"), JSON.stringify({ name: "tasker-pg", type: "module", exports }));
  const bundled = new URL("../src/index.ts", import.meta.url).href;
  writeFileSync(join(installed, "index.js"), `console.error("the installed one"); export * from "${bundled}";`);
  writeFileSync(join(folder, "handlers.ts"), `import { step } from "tasker-pg"; step("pay", () => 1);`);
  const child = new Child(join(folder, "handlers.ts"));
  child.ask("initialize", { protocol: ["1.0"] });
  assert.deepEqual((await child.hear())["result"].handlers, [{ name: "pay" }]);
  await child.logged("the installed one");
  await child.leave();
});

for (const [what, source, reason] of [
  ["is no TypeScript", "const = 1;", /SyntaxError/],
  ["throws", "throw new Error('no database');", /no database/],
  ["defines nothing", "export {};", /no handler was defined/],
  ["defines one twice", "import { step } from 'tasker-pg'; step('a', () => 1); step('a', () => 1);", /two handlers are named a/],
] as const) {
  test(`a file that ${what} ends the child with the reason`, async () => {
    const file = join(mkdtempSync(join(tmpdir(), "tasker-")), "broken.ts");
    writeFileSync(file, source);
    const child = new Child(file);
    assert.equal(await child.ended, 1);
    assert.match(child.log, reason);
  });
}

test("a file that is not there, and none, end the child with the reason", async () => {
  const missing = new Child("nowhere.ts");
  assert.equal(await missing.ended, 1);
  assert.match(missing.log, /nowhere\.ts/);
  const none = new Child();
  assert.equal(await none.ended, 2);
  assert.match(none.log, /^usage/);
});

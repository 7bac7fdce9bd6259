// The README's examples are written out, run, and served.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, describe, test } from "node:test";

import { Child, FLAGS } from "./child.ts";

const README = readFileSync(new URL("../README.md", import.meta.url), "utf8");
const REGISTER = new URL("../src/register.ts", import.meta.url).href;

describe("the README", () => {
  const folder = mkdtempSync(join(tmpdir(), "tasker-readme-"));
  before(() => {
    writeFileSync(join(folder, "package.json"), '{"type": "module"}');
    for (const [, name, text] of README.matchAll(/^```ts file=(\S+)\n(.*?)^```$/gms)) {
      writeFileSync(join(folder, name as string), text as string);
    }
  });

  test("has tests that pass", () => {
    const said = execFileSync(
      process.execPath,
      [...FLAGS, "--import", REGISTER, "--test", "--test-reporter=tap", join(folder, "shop.test.ts")],
      { encoding: "utf8", env: { ...process.env, NODE_TEST_CONTEXT: undefined } },
    );
    assert.match(said, /# pass [12]\n# fail 0/);
  });

  for (const [files, handlers] of [
    [["shop.ts", "durable.ts", "growing.ts"], ["validate_cart", "charge", "collect", "route", "split", "load", "refund", "search", "plan"]],
    [["classes.ts"], ["validate_cart"]],
  ] as const) {
    test(`has handlers that are served: ${files.join(", ")}`, async () => {
      const child = new Child(...files.map((file) => join(folder, file)));
      child.ask("initialize", { protocol: ["1.0"] });
      const { result } = await child.hear();
      assert.deepEqual(result.handlers.map(({ name }: { name: string }) => name), handlers);
      await child.leave();
    });
  }

  test("has a program that serves by itself", () => {
    const hello = '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocol":["1.0"]}}\n';
    const { stdout, status } = spawnSync(process.execPath, [...FLAGS, "--import", REGISTER, join(folder, "program.ts")], {
      input: hello,
      encoding: "utf8",
    });
    assert.equal(status, 0);
    assert.equal(JSON.parse(stdout).result.concurrency, 20);
  });

  test("has a handler that waits, and goes both ways", async () => {
    const child = new Child(join(folder, "durable.ts"));
    child.ask("initialize", { protocol: ["1.0"] });
    await child.hear();
    const saved = { "run:invoice": "the invoice" };
    assert.equal((await child.run("collect", { saved }))["outcome"], "wait");
    const paid = { ...saved, "event:paid": { event: { by: "ann" } } };
    assert.equal((await child.run("collect", { saved: paid }))["result"], "the invoice, paid by ann");
    const late = { ...saved, "event:paid": { timeout: true } };
    assert.equal((await child.run("collect", { saved: late }))["result"], "the invoice, never paid");
    await child.leave();
  });
});

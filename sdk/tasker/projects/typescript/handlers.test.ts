// The handlers, without a worker and without a database.

import assert from "node:assert/strict";
import { test } from "node:test";

import { runHandler } from "tasker-pg/testing";

import { createAccount, followUp, sendWelcome } from "./handlers.ts";

const account = { account_id: "account-1", email: "ada@example.org" };

test("an account has the same id on every attempt", async () => {
  const [first, second] = await Promise.all([1, 2].map((attempt) => runHandler(createAccount, { input: account, attempt })));
  assert.equal(first?.outcome.outcome, "complete");
  assert.deepEqual(first?.outcome, second?.outcome);
});

test("what is no address fails for good", async () => {
  const { outcome } = await runHandler(createAccount, { input: { email: "ada" } });
  assert.equal(outcome.outcome === "error" && outcome.error.message, "ada is no address");
});

test("a busy mail server is asked again", async () => {
  const results = { create_account: account };
  const first = await runHandler(sendWelcome, { results, attempt: 1 });
  assert.equal(first.outcome.outcome === "retry" && first.outcome.delay, 1);
  const second = await runHandler(sendWelcome, { results, attempt: 2, idempotencyKey: "k" });
  assert.deepEqual(second.outcome, { outcome: "complete", result: { mail_id: "mail-k", attempt: 2 } });
});

test("the look back waits first", async () => {
  const results = { create_account: account, send_welcome: { mail_id: "mail-1", attempt: 2 } };
  const first = await runHandler(followUp, { results });
  assert.ok(first.outcome.outcome === "wait");
  assert.equal(first.outcome.wait.seconds, 2);
  const second = await runHandler(followUp, { results, saved: { ...first.saved, [first.outcome.wait.name]: {} } });
  assert.deepEqual(second.outcome, { outcome: "complete", result: "ada@example.org was welcomed by attempt 2" });
});

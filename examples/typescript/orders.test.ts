// The order workflow's handlers, without a worker and without a database.

import assert from "node:assert/strict";
import { test } from "node:test";

import { runHandler } from "tasker-pg/testing";

import { reserveStock, validateCart, writeReceipt } from "./orders.ts";

const lines = [
  { sku: "mug", quantity: 2 },
  { sku: "pencil", quantity: 3 },
];
const input = { order_id: "7", card: "card-good", lines };
const cart = { lines, total_cents: 2140 };

test("a cart is priced", async () => {
  const { outcome } = await runHandler(validateCart, { input });
  assert.deepEqual(outcome, { outcome: "complete", result: cart });
});

test("an article that the shop does not have is permanent", async () => {
  const { outcome } = await runHandler(validateCart, { input: { ...input, lines: [{ sku: "anvil", quantity: 1 }] } });
  assert.equal(outcome.outcome === "error" && outcome.error.message, "the shop has no anvil");
});

test("stock is reserved under the same id on every attempt, and progress is told", async () => {
  const given = { input, results: { validate_cart: cart }, idempotencyKey: "order:2" };
  const first = await runHandler(reserveStock, given);
  const second = await runHandler(reserveStock, { ...given, attempt: 2 });
  assert.deepEqual(first.outcome, second.outcome);
  assert.deepEqual(first.progress.at(-1), { done: 2, total: 2, note: "3 × pencil" });
});

test("the receipt says what was bought", async () => {
  const results = {
    validate_cart: cart,
    process_payment: { charge_id: "ch_1", amount_cents: 2140, replayed: false },
    ship: { tracking_id: "trk_1", reservation_id: "rsv_1" },
  };
  const { outcome } = await runHandler(writeReceipt, { input, results });
  const text = "Order 7: 2 × mug, 3 × pencil. Paid 21.40 €. Parcel trk_1.";
  assert.ok(outcome.outcome === "complete");
  assert.deepEqual(outcome.result, { order_id: "7", total_cents: 2140, charge_id: "ch_1", tracking_id: "trk_1", text });
});

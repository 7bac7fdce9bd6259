// The order workflow's steps.
//
//     validate_cart ─┬─ reserve_stock ───┬─ ship ── write_receipt
//                    └─ process_payment ─┘
//
// Each is a function, so a unit test calls it (orders.test.ts). Each may run more than once, so each is written to come
// to the same again: ids are derived from the step's idempotency key, and the payment service is handed that key.

import { type Call, PermanentError, register, step, StepHandler } from "tasker-pg";

import { chargeCard, type Payment } from "./payments.ts";
import { type Cart, makeId, type Order, type Reservation } from "./shipping.ts";

export { ship, writeReceipt } from "./shipping.ts";

const PRICES_IN_CENTS: ReadonlyMap<string, number> = new Map([
  ["mug", 950],
  ["notebook", 420],
  ["pencil", 80],
]);

/** Prices the order; an article that the shop does not have is a permanent error. The one that is a class. */
class ValidateCart extends StepHandler<Order, Cart> {
  static handles = "validate_cart";

  call({ input }: Call<Order>): Cart {
    const unknown = input.lines.filter(({ sku }) => !PRICES_IN_CENTS.has(sku));
    if (unknown.length > 0) throw new PermanentError(`the shop has no ${unknown.map(({ sku }) => sku).join(", ")}`);
    const prices = input.lines.map(({ sku, quantity }) => (PRICES_IN_CENTS.get(sku) ?? 0) * quantity);
    return { lines: input.lines, total_cents: sum(prices) };
  }
}

export const validateCart = register(ValidateCart);

export const reserveStock = step<Order, Reservation, { validate_cart: Cart }>(
  "reserve_stock",
  ({ results: { validate_cart: cart }, ctx }) => {
    for (const [index, { sku, quantity }] of cart.lines.entries()) {
      ctx.progress(index + 1, { total: cart.lines.length, note: `${quantity} × ${sku}` });
    }
    const pieces = sum(cart.lines.map(({ quantity }) => quantity));
    return { reservation_id: makeId("rsv", ctx.idempotencyKey), pieces };
  },
);

export const processPayment = step<Order, Payment, { validate_cart: Cart }>(
  "process_payment",
  async ({ input, results: { validate_cart: cart }, ctx }) =>
    await chargeCard(
      { order_id: input.order_id, card: input.card, amount_cents: cart.total_cents },
      ctx.idempotencyKey,
      ctx.signal,
    ),
);

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

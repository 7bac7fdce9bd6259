// The order workflow's steps.
//
//     validate_cart ─┬─ reserve_stock ───┬─ ship ── write_receipt
//                    └─ process_payment ─┘
//
// Each is a function, so a unit test calls it (orders.test.ts). Each may run more than once, so each is written to come
// to the same again: ids are derived from the step's idempotency key, and the payment service is handed that key.

import { createHash } from "node:crypto";

import { type Call, PermanentError, register, step, StepHandler } from "tasker-pg";

import { chargeCard, type Payment } from "./payments.ts";

/** So many of one article. */
interface Line {
  readonly sku: string;
  readonly quantity: number;
}

/** The task's input: what a customer wants and how they pay. */
interface Order {
  readonly order_id: string;
  readonly card: string;
  readonly lines: readonly Line[];
}

/** An order that can be filled, with its price. */
interface Cart {
  readonly lines: readonly Line[];
  readonly total_cents: number;
}

interface Reservation {
  readonly reservation_id: string;
  readonly pieces: number;
}

interface Shipment {
  readonly tracking_id: string;
  readonly reservation_id: string;
}

interface Receipt {
  readonly order_id: string;
  readonly total_cents: number;
  readonly charge_id: string;
  readonly tracking_id: string;
  readonly text: string;
}

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

export const ship = step<Order, Shipment, { process_payment: Payment; reserve_stock: Reservation }>(
  "ship",
  ({ results: { process_payment: payment, reserve_stock: reservation }, ctx }) => {
    ctx.logger.info(`shipping against charge ${payment.charge_id}`);
    return { tracking_id: makeId("trk", ctx.idempotencyKey), reservation_id: reservation.reservation_id };
  },
);

export const writeReceipt = step<Order, Receipt, { validate_cart: Cart; process_payment: Payment; ship: Shipment }>(
  "write_receipt",
  ({ input, results: { validate_cart: cart, process_payment: payment, ship: shipment } }) => {
    const lines = cart.lines.map(({ sku, quantity }) => `${quantity} × ${sku}`).join(", ");
    const paid = (payment.amount_cents / 100).toFixed(2);
    return {
      order_id: input.order_id,
      total_cents: payment.amount_cents,
      charge_id: payment.charge_id,
      tracking_id: shipment.tracking_id,
      text: `Order ${input.order_id}: ${lines}. Paid ${paid} €. Parcel ${shipment.tracking_id}.`,
    };
  },
);

/** An id that is the same on every attempt of the step. */
function makeId(prefix: string, key: string): string {
  return `${prefix}_${createHash("sha256").update(key).digest("hex").slice(0, 12)}`;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

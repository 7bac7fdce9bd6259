// The order workflow's last two steps: the parcel is handed over, and the customer is told. The order that goes through
// three languages (../polyglot) has them from here.

import { createHash } from "node:crypto";

import { step } from "tasker-pg";

import type { Payment } from "./payments.ts";

/** So many of one article. */
export interface Line {
  readonly sku: string;
  readonly quantity: number;
}

/** The task's input: what a customer wants and how they pay. */
export interface Order {
  readonly order_id: string;
  readonly card: string;
  readonly lines: readonly Line[];
}

/** An order that can be filled, with its price. */
export interface Cart {
  readonly lines: readonly Line[];
  readonly total_cents: number;
}

export interface Reservation {
  readonly reservation_id: string;
  readonly pieces: number;
}

export interface Shipment {
  readonly tracking_id: string;
  readonly reservation_id: string;
}

export interface Receipt {
  readonly order_id: string;
  readonly total_cents: number;
  readonly charge_id: string;
  readonly tracking_id: string;
  readonly text: string;
}

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
export function makeId(prefix: string, key: string): string {
  return `${prefix}_${createHash("sha256").update(key).digest("hex").slice(0, 12)}`;
}

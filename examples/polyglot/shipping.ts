// The steps in TypeScript: the parcel is handed over, and the customer is told.

import { createHash } from "node:crypto";

import { step } from "tasker-pg";

interface Order {
  readonly order_id: string;
}

/** What the step in Python has returned. */
interface Cart {
  readonly lines: readonly { readonly sku: string; readonly quantity: number }[];
}

interface Reservation {
  readonly reservation_id: string;
}

/** What the step in Ruby has returned. */
interface Payment {
  readonly charge_id: string;
  readonly amount_cents: number;
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

export const ship = step<Order, Shipment, { process_payment: Payment; reserve_stock: Reservation }>(
  "ship",
  ({ results: { process_payment: payment, reserve_stock: reservation }, ctx }) => {
    ctx.logger.info(`shipping against charge ${payment.charge_id}`);
    const parcel = createHash("sha256").update(ctx.idempotencyKey).digest("hex").slice(0, 12);
    return { tracking_id: `trk_${parcel}`, reservation_id: reservation.reservation_id };
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

// Calls the payment service, and turns each of its answers into what the engine should do next.

import { PermanentError, RetryableError } from "tasker-pg";

/** What is to be charged. */
export interface Charge {
  readonly order_id: string;
  readonly card: string;
  readonly amount_cents: number;
}

/** A charge that was made. `replayed`: an earlier attempt had made it, and never heard of it. */
export interface Payment {
  readonly charge_id: string;
  readonly amount_cents: number;
  readonly replayed: boolean;
}

/** The card will never pay for this: no other attempt would help. */
export class CardDeclined extends PermanentError {}

/** The service failed. Nothing of Tasker's: any exception is retried by the step's policy. */
export class PaymentServiceFailed extends Error {}

/**
 * Charge a card, once per idempotency key however often this is called.
 *
 * Throws CardDeclined; RetryableError when the service asks for another try later, or nobody said where it is;
 * PermanentError when it finds the request wrong; PaymentServiceFailed when it fails; and what `fetch` throws.
 */
export async function chargeCard(charge: Charge, idempotencyKey: string, signal: AbortSignal): Promise<Payment> {
  const service = process.env["PAYMENT_SERVICE_URL"];
  if (!service) throw new RetryableError("this worker does not know the payment service: set PAYMENT_SERVICE_URL");
  const answer = await fetch(`${service}/charges`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "Idempotency-Key": idempotencyKey },
    body: JSON.stringify(charge),
    signal,
  });
  if (answer.ok) return (await answer.json()) as Payment;
  const said = `the payment service answered ${answer.status}: ${await answer.text()}`;
  switch (answer.status) {
    case 402:
      throw new CardDeclined(said);
    case 429:
    case 503:
      throw new RetryableError(said, { retryAfter: readRetryAfter(answer) });
    default:
      throw answer.status < 500 ? new PermanentError(said) : new PaymentServiceFailed(said);
  }
}

// The header may also hold a date; this service sends seconds, and without them the step's backoff holds.
function readRetryAfter(answer: Response): number | undefined {
  const seconds = answer.headers.get("Retry-After") ?? "";
  return /^\d+$/.test(seconds) ? Number(seconds) : undefined;
}

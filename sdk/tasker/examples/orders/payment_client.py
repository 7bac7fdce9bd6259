"""Calls the payment service, and turns each of its answers into what the engine should do next."""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from http import HTTPStatus

import orjson

from tasker import PermanentError, RetryableError
from tasker.examples.orders.models import Payment

__all__ = [
    "PAYMENT_SERVICE_URL",
    "CardDeclined",
    "PaymentServiceFailed",
    "charge_card",
    "payment_service_url",
]

PAYMENT_SERVICE_URL = "PAYMENT_SERVICE_URL"
"""The environment variable in which workers find the service."""

_LONGEST_CALL = 30.0
# The service runs on this machine, so a proxy that the environment names is not asked.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class CardDeclined(PermanentError):
    """The card will never pay for this: no other attempt would help."""


class PaymentServiceFailed(Exception):
    """The service failed. Nothing of Tasker's: any exception is retried by the step's policy."""


def payment_service_url() -> str:
    """Where the service is. Raises RetryableError where nobody said so: another worker may know."""
    url = os.environ.get(PAYMENT_SERVICE_URL)
    if not url:
        raise RetryableError(
            f"this worker does not know the payment service: set {PAYMENT_SERVICE_URL}"
        )
    return url


def charge_card(
    service: str,
    *,
    order_id: str,
    card: str,
    amount_cents: int,
    idempotency_key: str,
    timeout: float | None,
) -> Payment:
    """Charge a card, once per idempotency key however often this is called.

    Blocks for at most `timeout` seconds (None: 30). Raises CardDeclined; RetryableError when the
    service asks for another try later; PermanentError when it finds the request wrong;
    PaymentServiceFailed when it fails; and OSError (a TimeoutError among them) when it cannot be
    reached or does not answer in time.
    """
    request = urllib.request.Request(
        f"{service}/charges",
        data=orjson.dumps({"order_id": order_id, "card": card, "amount_cents": amount_cents}),
        headers={"Content-Type": "application/json", "Idempotency-Key": idempotency_key},
    )
    try:
        with _DIRECT.open(request, timeout=_LONGEST_CALL if timeout is None else timeout) as answer:
            return Payment.model_validate_json(answer.read())
    except urllib.error.HTTPError as answer:
        with answer:
            error = _error_for(answer)
        raise error from answer


def _error_for(answer: urllib.error.HTTPError) -> Exception:
    said = f"the payment service answered {answer.code}: {answer.read().decode(errors='replace')}"
    match answer.code:
        case HTTPStatus.PAYMENT_REQUIRED:
            return CardDeclined(said)
        case HTTPStatus.SERVICE_UNAVAILABLE | HTTPStatus.TOO_MANY_REQUESTS:
            return RetryableError(said, retry_after=_retry_after(answer))
        case code if 400 <= code < 500:
            return PermanentError(said)
        case _:
            return PaymentServiceFailed(said)


def _retry_after(answer: urllib.error.HTTPError) -> float | None:
    # The header may also hold a date; this service sends seconds, and without them the step's
    # backoff holds.
    seconds = answer.headers.get("Retry-After", "")
    return float(seconds) if seconds.isdecimal() else None

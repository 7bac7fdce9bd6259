"""What the service has charged, once per idempotency key, and what it was asked. In memory."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import assert_never

from tasker.examples.payments.behaviour import (
    Accept,
    Behaviour,
    Busy,
    Decline,
    Fail,
    Stall,
    behaviour_at,
)
from tasker.examples.payments.books import Books, Call, Charge, Request

__all__ = ["Answer", "Charged", "Conflict", "Ledger", "Replayed"]


@dataclass(frozen=True, slots=True)
class Charged:
    """The card was charged just now. `answered` is whether the caller is to hear of it."""

    charge: Charge
    answered: bool


@dataclass(frozen=True, slots=True)
class Replayed:
    """The charge was made by an earlier request under the same key."""

    charge: Charge


@dataclass(frozen=True, slots=True)
class Conflict:
    """The key was used before for something else."""


Answer = Charged | Replayed | Conflict | Fail | Busy | Decline


@dataclass(slots=True)
class Ledger:
    """The charges by idempotency key, and the calls. Any thread may call its methods."""

    _charges: dict[str, Charge] = field(default_factory=dict[str, Charge])
    _calls: list[Call] = field(default_factory=list[Call])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, key: str, request: Request) -> Answer:
        """Decide about a request, charging the card if that is the decision."""
        with self._lock:
            call = 1 + sum(earlier.idempotency_key == key for earlier in self._calls)
            answer = self._decide(key, request, behaviour_at(request.card, call))
            self._calls.append(
                Call(idempotency_key=key, order_id=request.order_id, done=_word_for(answer))
            )
            return answer

    def books(self) -> Books:
        """Give a copy of everything."""
        with self._lock:
            return Books(charges=list(self._charges.values()), calls=list(self._calls))

    def _decide(self, key: str, request: Request, behaviour: Behaviour) -> Answer:
        if (earlier := self._charges.get(key)) is not None:
            same = (earlier.order_id, earlier.amount_cents) == (
                request.order_id,
                request.amount_cents,
            )
            return Replayed(earlier) if same else Conflict()
        match behaviour:
            case Accept():
                return Charged(self._charge(key, request), answered=True)
            case Stall():
                return Charged(self._charge(key, request), answered=False)
            case Fail() | Busy() | Decline():
                return behaviour
            case _ as never:
                assert_never(never)

    def _charge(self, key: str, request: Request) -> Charge:
        charge = Charge(
            charge_id=f"ch_{len(self._charges) + 1}",
            idempotency_key=key,
            order_id=request.order_id,
            amount_cents=request.amount_cents,
        )
        self._charges[key] = charge
        return charge


def _word_for(answer: Answer) -> str:
    match answer:
        case Charged(answered=True):
            return "charged"
        case Charged():
            return "stalled"
        case Replayed():
            return "replayed"
        case Conflict():
            return "conflict"
        case Fail():
            return "failed"
        case Busy():
            return "busy"
        case Decline():
            return "declined"
        case _ as never:
            assert_never(never)

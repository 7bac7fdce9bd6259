"""Orders that meet each kind of failure, and what each must come to."""

from __future__ import annotations

from dataclasses import dataclass

from tasker.examples.orders.models import Line, Order

__all__ = ["CRASH", "SCENARIOS", "Scenario"]


@dataclass(frozen=True, slots=True)
class Scenario:
    """An order, what happens to its payment, and what must be true in the end.

    `answers` is what the payment service does at each call; `state` the task's state at rest.
    """

    title: str
    card: str
    answers: tuple[str, ...]
    state: str = "complete"

    @property
    def charges(self) -> int:
        """How many times the card must have been charged."""
        return 1 if self.state == "complete" else 0

    def order(self, order_id: str) -> Order:
        """Write out the order."""
        return Order(
            order_id=order_id,
            card=self.card,
            lines=[Line(sku="mug", quantity=2), Line(sku="notebook", quantity=1)],
        )


SCENARIOS = (
    Scenario("paid at once", "card-good", ("charged",)),
    Scenario("two server errors", "card-fails-twice", ("failed", "failed", "charged")),
    Scenario("charged, but the answer stalls", "card-stalls", ("stalled", "replayed")),
    Scenario("told to come back later", "card-busy", ("busy", "charged")),
    Scenario("card declined", "card-declined", ("declined",), state="blocked_by_failures"),
)

CRASH = Scenario("charged, then its worker is killed", "card-stalls", ("stalled", "replayed"))
"""For whoever kills the worker after the charge and before its answer. (Left alone, it meets the
time limit.)
"""

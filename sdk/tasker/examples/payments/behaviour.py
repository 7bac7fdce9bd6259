"""How the service treats each test card, call by call. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["SCRIPTS", "Accept", "Behaviour", "Busy", "Decline", "Fail", "Stall", "behaviour_at"]


@dataclass(frozen=True, slots=True)
class Accept:
    """Charge the card and answer 201."""


@dataclass(frozen=True, slots=True)
class Fail:
    """Answer 500; nothing is charged."""


@dataclass(frozen=True, slots=True)
class Stall:
    """Charge the card, then leave the caller waiting, who cannot know that it was charged."""


@dataclass(frozen=True, slots=True)
class Busy:
    """Answer 503 and ask for another try after so many seconds; nothing is charged."""

    retry_after: int


@dataclass(frozen=True, slots=True)
class Decline:
    """Answer 402: this card will never pay."""


Behaviour = Accept | Fail | Stall | Busy | Decline

# What happens at the first, second, … call under one idempotency key. The last one repeats.
SCRIPTS: Mapping[str, tuple[Behaviour, ...]] = {
    "card-good": (Accept(),),
    "card-fails-twice": (Fail(), Fail(), Accept()),
    "card-stalls": (Stall(), Accept()),
    "card-busy": (Busy(retry_after=1), Accept()),
    "card-declined": (Decline(),),
}


def behaviour_at(card: str, call: int) -> Behaviour:
    """Say what the given call (from 1) with a card meets. A card that nobody issued is declined."""
    script = SCRIPTS.get(card, (Decline(),))
    return script[min(call, len(script)) - 1]

"""What running something does to the outside, in five classes, and how they add up. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

__all__ = ["EFFECTS", "Effect", "exceeds", "join_effects"]

Effect = Literal["pure", "control", "human", "read", "idempotent_write"]

EFFECTS: dict[Effect, str] = {
    "pure": "computes, and touches nothing outside",
    "control": "decides what runs, and when",
    "human": "waits for a person's answer",
    "read": "reads outside; running it again does no harm",
    "idempotent_write": "writes outside under a key; running it again changes nothing more",
}
"""The classes, weakest first, with their meaning. Nothing else can be said in the grammar."""

_PURE: Effect = "pure"
_RANK: dict[Effect, int] = {effect: rank for rank, effect in enumerate(EFFECTS)}


def join_effects(effects: Iterable[Effect]) -> Effect:
    """The class of doing all of these."""
    return max((_PURE, *effects), key=_rank)


def exceeds(effect: Effect, allowed: Effect) -> bool:
    """Whether an effect is of a stronger class than is allowed."""
    return _RANK[effect] > _RANK[allowed]


def _rank(effect: Effect) -> int:
    return _RANK[effect]

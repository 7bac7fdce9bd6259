"""A graph's levels: each step stands one below the deepest step that it depends on."""

from collections.abc import Mapping, Sequence
from typing import Any

Step = Mapping[str, Any]


def split_into_levels(steps: Sequence[Step]) -> list[list[Step]]:
    """Sort steps (with `name` and `depends_on`) into levels, keeping their order within each.

    A dependency that is not among the steps counts for nothing; one on a batch worker is on all of
    a batch. Steps of a cycle, which a broken file may have, come last, together.
    """
    places: dict[str, list[int]] = {}
    for n, step in enumerate(steps):
        for name in {step["name"], step["name"].partition("/")[0]}:
            places.setdefault(name, []).append(n)
    children: list[list[int]] = [[] for _ in steps]
    waiting = [0] * len(steps)
    for n, step in enumerate(steps):
        parents = {n for name in step.get("depends_on") or () for n in places.get(name, ())}
        waiting[n] = len(parents)
        for parent in parents:
            children[parent].append(n)

    levels: list[list[int]] = []
    level = [n for n in range(len(steps)) if waiting[n] == 0]
    while level:
        levels.append(level)
        freed: list[int] = []
        for child in (child for n in level for child in children[n]):
            waiting[child] -= 1
            if waiting[child] == 0:
                freed.append(child)
        level = sorted(freed)
    cycle = [n for n in range(len(steps)) if waiting[n] > 0]
    return [[steps[n] for n in level] for level in [*levels, *([cycle] if cycle else [])]]

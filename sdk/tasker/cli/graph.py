"""A graph's levels: each step stands one below the deepest step that it depends on."""

from collections.abc import Mapping, Sequence
from typing import Any

Step = Mapping[str, Any]


def split_into_levels(steps: Sequence[Step]) -> list[list[Step]]:
    """Sort steps (with `name` and `depends_on`) into levels, keeping their order within each.

    A dependency that is not among the steps counts for nothing. Steps of a cycle, which a broken
    file may have, come last, together.
    """
    place = {step["name"]: n for n, step in enumerate(steps)}
    children: list[list[int]] = [[] for _ in steps]
    waiting = [0] * len(steps)
    for n, step in enumerate(steps):
        parents = {place[name] for name in step.get("depends_on") or () if name in place}
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

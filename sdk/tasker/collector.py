"""How a process that runs a worker has its garbage collected. Touches the interpreter."""

from __future__ import annotations

import gc

__all__ = ["spare_collector"]

# Objects: more than the steps of a full exchange have while they run; some megabytes.
_YOUNG = 20_000


def spare_collector() -> None:
    """Have the collector look at less, and less often: for a program that runs workers, when all is imported.

    What is there stays, and is not walked again. What is new is looked at when there is more of it than a few hundred
    steps have while they run; by default that would be every tenth step, and walk those that wait, to find nothing.
    """
    gc.freeze()
    gc.set_threshold(_YOUNG, *gc.get_threshold()[1:])

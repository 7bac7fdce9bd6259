"""How long the fuzz tests look. In `make test` they run few examples, the same each time; `make fuzz` runs many, and
others each time (TASKER_FUZZ is by how much more).
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings

TIMES = int(os.environ.get("TASKER_FUZZ", "1"))


def bounded(examples: int) -> settings:
    """Settings of a test that looks at that many examples in `make test`."""
    return settings(
        max_examples=examples * TIMES,
        derandomize=TIMES == 1,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
    )

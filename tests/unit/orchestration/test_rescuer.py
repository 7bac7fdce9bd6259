"""How often the rescuer walks."""

import pytest

from tasker_orchestration.rescuer import choose_rest


@pytest.mark.parametrize(
    ("walked", "interval", "rest"),
    [(0.005, 30, 30), (0.2, 30, 200), (5, 30, 600), (5, 3600, 3600)],
    ids=["few tasks", "many", "very many", "a long interval"],
)
def test_it_walks_a_thousandth_of_the_time_at_most(
    walked: float, interval: float, rest: float
) -> None:
    assert choose_rest(walked, interval) == rest

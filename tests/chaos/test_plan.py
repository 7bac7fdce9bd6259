"""Plans and scripts of a seed: the same each time, others for another seed, and of every kind."""

from __future__ import annotations

from itertools import islice, pairwise

from tests.chaos.faults import FAULTS, MEASURED
from tests.chaos.plan import STREAMS
from tests.chaos.run import plan_of
from tests.chaos.scripts import KINDS, draw_scripts, foretell


def test_a_seed_has_one_plan() -> None:
    assert plan_of(7, 120) == plan_of(7, 120)
    assert plan_of(7, 120) != plan_of(8, 120)


def test_a_longer_plan_goes_on_from_the_shorter_one() -> None:
    short, long = plan_of(7, 59), plan_of(7, 600)
    end = next(strike.at for strike in short if strike.measured)
    assert [s for s in short if s.at < end] == [s for s in long if s.at < end]


def test_all_strikes_fit_into_the_time() -> None:
    for seconds in (15, 40, 120, 300):
        assert all(strike.at + strike.seconds < seconds for strike in plan_of(3, seconds))


def test_a_stream_strikes_one_after_the_other_and_a_measured_fault_alone() -> None:
    plan = plan_of(5, 600)
    for stream in STREAMS:
        of_it = [strike for strike in plan if strike.stream == stream]
        assert all(one.at + one.seconds <= two.at for one, two in pairwise(of_it))
    for measured in (strike for strike in plan if strike.measured):
        others = [strike for strike in plan if strike is not measured]
        assert not any(
            strike.at < measured.at + 4 and measured.at < strike.at + strike.seconds
            for strike in others
        )


def test_an_hour_has_every_fault() -> None:
    plan = plan_of(1, 3600)
    assert {s.fault for s in plan if not s.measured} == {fault.kind.name for fault in FAULTS}
    assert {s.fault for s in plan if s.measured} == {fault.kind.name for fault in MEASURED}


def test_a_seed_has_one_series_of_scripts() -> None:
    def first(seed: int) -> list[object]:
        return list(islice(draw_scripts(seed), 200))

    assert first(7) == first(7)
    assert first(7) != first(8)


def test_every_kind_of_script_is_drawn_and_foretold() -> None:
    scripts = list(islice(draw_scripts(1), 500))
    assert {script.kind for script in scripts} == set(KINDS)
    assert all(foretell(script.kind, script.input).values for script in scripts)

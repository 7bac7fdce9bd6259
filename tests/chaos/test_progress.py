"""What somebody who waits for a run of chaos sees of it."""

from __future__ import annotations

import io

from tests.chaos.progress import EVERY, minutes, telling


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_each_phase_has_a_line_and_another_every_ten_seconds() -> None:
    clock, stream = [0.0], io.StringIO()
    tell = telling(stream, lambda: clock[0])
    tell("starting", "all")
    tell("running", "00:00 of 01:00")
    for clock[0] in (1.0, EVERY - 1, EVERY, EVERY + 1, 2 * EVERY):
        tell("running", f"{minutes(clock[0])} of 01:00")
    tell("judging", "all")
    assert stream.getvalue().splitlines() == [
        "starting all",
        "running 00:00 of 01:00",
        "running 00:10 of 01:00",
        "running 00:20 of 01:00",
        "judging all",
    ]


def test_on_a_terminal_a_phase_stays_on_its_line() -> None:
    stream = Terminal()
    tell = telling(stream)
    tell("starting", "all")
    tell("running", "1")
    tell("running", "2")
    assert stream.getvalue() == "starting all\nrunning 1\r\x1b[Krunning 2"


def test_minutes_are_written_with_their_seconds() -> None:
    assert [minutes(s) for s in (0, 9.9, 65, 3600)] == ["00:00", "00:09", "01:05", "60:00"]

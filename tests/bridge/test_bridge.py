"""The bridge and a real child: what it asks for, how it dies, how it comes back."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import time
from collections.abc import AsyncGenerator, Awaitable
from pathlib import Path
from typing import Any, get_args

import psutil
import pytest
from tests.bridge.support import COMMAND, NOTHING, Asked, Calls, execute, run_in

from tasker.languages import make_bridges
from tasker_ffi_bridge import Bridge, BridgeError, End, Lost, Refused, Unsendable, bridge, life
from tasker_ffi_bridge.messages import (
    Cancelled,
    CancelReason,
    Checkpoint,
    Complete,
    Log,
    Progress,
    Retry,
    StartTask,
)

pytestmark = pytest.mark.anyio

EXAMPLES = Path(__file__).parents[2] / "examples" / "bridge"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def result_of(run: Awaitable[Any]) -> Any:
    outcome = await run
    assert isinstance(outcome, Complete), outcome
    return outcome.result


async def test_runs_go_side_by_side_and_more_than_there_is_room_for_wait() -> None:
    async with Bridge(COMMAND) as child:
        assert child.child.concurrency == 5
        held = [asyncio.create_task(run_in(child, execute("hold"))) for _ in range(4)]
        many = await asyncio.gather(
            *(result_of(run_in(child, execute("echo", n))) for n in range(50))
        )
        assert many == list(range(50))
        assert not any(task.done() for task in held)
        for task in held:
            task.cancel()


async def test_a_killed_child_loses_its_runs_at_once_and_is_back_within_a_second() -> None:
    async with Bridge(COMMAND) as child:
        held = asyncio.create_task(run_in(child, execute("hold")))
        before = await result_of(run_in(child, execute("pid")))
        assert before == child.process_id
        os.kill(before, signal.SIGKILL)
        began = time.monotonic()
        lost = await held
        assert lost == Lost("was ended by signal 9")
        after = await result_of(run_in(child, execute("pid")))
        assert time.monotonic() - began < 1 + 0.5  # the half is for a busy machine
        assert after != before and child.restarts == 1


@pytest.mark.parametrize("handler", ["die", "babble"])
async def test_a_child_that_breaks_takes_only_its_own_runs_with_it(handler: str) -> None:
    async with Bridge(COMMAND) as child:
        assert isinstance(await run_in(child, execute(handler)), Lost)
        assert await result_of(run_in(child, execute("echo", "again"))) == "again"


async def test_a_frozen_child_is_found_out_and_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(life, "_PING_EVERY", 0.1)
    monkeypatch.setattr(life, "_PING_LIMIT", 0.5)
    async with Bridge(COMMAND) as child:
        lost = await run_in(child, execute("freeze"))
        assert isinstance(lost, Lost) and "did not answer for" in lost.why
        assert await result_of(run_in(child, execute("echo", 1))) == 1


async def test_a_cancelled_run_is_cancelled_in_the_child_and_gives_its_place_back() -> None:
    async with Bridge(COMMAND) as child:
        for _ in range(20):  # more than there is room for, one after the other
            held = asyncio.create_task(run_in(child, execute("hold")))
            await result_of(run_in(child, execute("echo", 1)))
            held.cancel()
            with pytest.raises(asyncio.CancelledError):
                await held
        assert await result_of(run_in(child, execute("echo", 2))) == 2
        assert child.restarts == 0


@pytest.mark.parametrize("reason", get_args(CancelReason))
async def test_a_cancelled_run_is_told_why(reason: CancelReason) -> None:
    asked = Asked()
    async with Bridge(COMMAND) as child:
        held = child.begin(execute("hold"), asked.services(), asked.heard.append)
        await result_of(run_in(child, execute("echo", 1)))
        child.leave(held, reason)
        await result_of(run_in(child, execute("echo", 2)))
        assert asked.heard == [Log("info", reason, held.execute["run"])]


async def test_a_run_that_does_not_let_itself_be_cancelled_costs_the_child_its_life() -> None:
    async with Bridge(COMMAND, grace=0.3) as child:
        beside = asyncio.create_task(run_in(child, execute("hold")))
        stubborn = asyncio.create_task(run_in(child, execute("stubborn")))
        await result_of(run_in(child, execute("echo", 1)))
        stubborn.cancel()
        lost = await beside
        assert isinstance(lost, Lost) and "did not stop within 0.3 s" in lost.why
        assert await result_of(run_in(child, execute("echo", 2))) == 2


async def test_what_a_run_asks_for_is_done_and_answered() -> None:
    asked = Asked()
    remember = {
        "id": 7,
        "method": "checkpoint",
        "params": {"name": "run:x", "value": [1], "replace": True},
    }
    start = {
        "id": "s",
        "method": "start_task",
        "params": {"name": "kid", "template": "n/t", "input": 1},
    }
    unknown = {"id": 9, "method": "start_task", "params": {"name": "kid", "template": "no/such"}}
    progress = {"method": "progress", "params": {"done": 1, "total": 2, "note": "half"}}
    async with Bridge(COMMAND) as child:
        run = execute("ask", remember)
        assert await result_of(run_in(child, run, asked.services())) == {"saved": True}
        assert asked.heard == [Checkpoint(run["run"], "run:x", [1], True)]
        run = execute("ask", start)
        assert await result_of(run_in(child, run, asked.services())) == {"task_id": "child"}
        assert asked.heard[1:] == [StartTask(run["run"], "kid", "n/t", 1)]
        refused = await result_of(run_in(child, execute("ask", unknown), asked.services()))
        assert refused == {"code": -32602, "message": "there is no template no/such"}
        lost = await result_of(
            run_in(child, execute("ask", remember), Asked(saved=False).services())
        )
        assert lost == {"saved": False}
        run = execute("tell", progress)
        await run_in(child, run, asked.services())
        assert asked.heard[-1] == Progress(run["run"], 1, 2, "half")


async def test_what_cannot_be_sent_takes_no_place() -> None:
    deep: Any = 0
    for _ in range(300):
        deep = [deep]
    async with Bridge(COMMAND) as child:
        for _ in range(2 * child.child.concurrency):
            unsendable = await run_in(child, execute("echo", deep))
            assert isinstance(unsendable, Unsendable)
            assert "makes no message: Recursion" in unsendable.why
        async with asyncio.timeout(5):
            assert await result_of(run_in(child, execute("echo", 1))) == 1


@pytest.mark.parametrize("comes_to", [RuntimeError("the run is over"), False])
async def test_what_is_asked_for_and_not_waited_for_is_answered(comes_to: Exception | bool) -> None:
    """The run ends with the next line: what it asked for is done, or refused as of a run that is over."""
    ask = {"id": "late", "method": "checkpoint", "params": {"name": "run:x", "value": 1}}
    over = asyncio.Event()

    async def too_late(_: Checkpoint) -> bool:
        await over.wait()
        if isinstance(comes_to, Exception):
            raise comes_to
        return comes_to

    asked = Asked()
    services = Calls(asked.heard.append, too_late, NOTHING.start_task, asked.heard.append)
    async with Bridge(COMMAND) as child:
        run = execute("tell", ask)
        assert await result_of(run_in(child, run, asked.services())) is None
        assert await result_of(run_in(child, execute("heard", "late"))) == {"saved": True}
        assert asked.heard == [Checkpoint(run["run"], "run:x", 1)]
        assert await result_of(run_in(child, execute("tell", ask), services)) is None
        over.set()
        answer = await result_of(run_in(child, execute("heard", "late")))
        assert answer["code"] == -32004


async def test_odd_answers_are_failed_attempts_and_the_child_lives() -> None:
    async with Bridge(COMMAND) as child:
        odd = await run_in(child, execute("odd", {"outcome": "perhaps"}))
        assert isinstance(odd, Retry) and odd.error.type == "BridgeError"
        given_back = await run_in(
            child, execute("error", {"code": -32601, "message": "not here"}), NOTHING
        )
        assert given_back == Refused("not here")
        cancelled = await run_in(child, execute("odd", {"outcome": "cancelled"}))
        assert isinstance(cancelled, Cancelled)
        assert child.restarts == 0


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("/no/such/program",), "cannot be started"),
        (
            ("/bin/sh", "-c", "echo it is the moon >&2; exit 3"),
            "ended with status 3\nit is the moon",
        ),
        (
            ("/bin/sh", "-c", "echo the reason >&2; seq 100 >&2; exec >&-; sleep 0.3; exit 1"),
            "\n".join(
                ["ended with status 1", "the reason", *map(str, range(1, 10)), "… 81 lines …"]
                + [str(n) for n in range(91, 101)]
            ),
        ),
        (
            ("/bin/sh", "-c", "exec >&-; echo closed >&2; sleep 600"),
            "closed its standard output\nclosed",
        ),
        (
            ("/bin/echo", "hello"),
            "broke the protocol: a line that is no JSON; standard output is for the protocol: print to standard error\n"
            "it said 'hello'",
        ),
        ((sys.executable, "-c", "input()"), "ended with status 0"),
    ],
)
async def test_a_child_that_cannot_begin_says_why(command: tuple[str, ...], said: str) -> None:
    with pytest.raises(BridgeError) as failure:
        async with Bridge(command):
            pass
    assert said in str(failure.value)


@pytest.mark.parametrize(
    ("handler", "why", "words"),
    [
        ("curse", "ended with status 3", "the card of another"),
        (
            "babble",
            "broke the protocol: a line that is no JSON; standard output is for the protocol: print to standard error",
            "it said 'this is no JSON'",
        ),
    ],
)
@pytest.mark.parametrize("level", [logging.WARNING, logging.INFO])
async def test_what_a_dead_child_said_is_in_the_log_once_and_in_no_error(
    caplog: pytest.LogCaptureFixture, handler: str, why: str, words: str, level: int
) -> None:
    with caplog.at_level(level, logger="tasker.bridge"):
        async with Bridge(COMMAND) as child:
            assert await run_in(child, execute(handler)) == Lost(why)
            await result_of(run_in(child, execute("echo")))
    [warning] = [one.getMessage() for one in caplog.records if one.levelno == logging.WARNING]
    assert why in warning and "starting it again in 0.1 s" in warning
    assert "\n".join(caplog.messages).count(words) == 1
    assert "the child begins" not in warning


async def test_a_child_that_is_killed_before_it_has_begun_is_started_again(tmp_path: Path) -> None:
    once = f"test -e {tmp_path}/killed || {{ touch {tmp_path}/killed; kill -9 $$; }}"
    async with Bridge(("/bin/sh", "-c", f'{once}; exec "$@"', "sh", *COMMAND)) as child:
        assert await result_of(run_in(child, execute("echo", 1))) == 1
        assert child.restarts == 1


async def test_where_each_child_is_killed_before_it_has_begun_that_is_an_error() -> None:
    killed = Bridge(("/bin/sh", "-c", "kill -9 $$"))
    with pytest.raises(BridgeError, match="was ended by signal 9"):
        async with killed:
            pass
    assert killed.restarts == 2


async def test_a_child_that_does_not_answer_initialize_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(life, "_START_LIMIT", 0.3)
    with pytest.raises(BridgeError, match="did not answer initialize"):
        async with Bridge(("/bin/sleep", "600")):
            pass


async def test_while_there_is_no_child_runs_are_refused_not_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bridge, "_PATIENCE", 0.2)
    monkeypatch.setattr(bridge, "_FIRST_BACKOFF", 5.0)
    async with Bridge(COMMAND) as child:
        assert isinstance(await run_in(child, execute("die")), Lost)
        assert isinstance(await run_in(child, execute("echo")), Refused)


async def test_a_run_that_is_left_while_there_is_no_child_is_never_begun() -> None:
    asked = Asked()
    tell = {"method": "progress", "params": {"done": 1}}
    ends: list[End] = []
    async with Bridge(COMMAND) as child:
        assert isinstance(await run_in(child, execute("die")), Lost)
        left = child.begin(execute("tell", tell), asked.services(), ends.append)
        behind = asyncio.create_task(result_of(run_in(child, execute("echo", 1))))
        child.leave(left, "cancelled")
        assert await behind == 1
    assert asked.heard == ends == []


async def test_what_waits_for_a_child_is_refused_when_the_bridge_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bridge, "_FIRST_BACKOFF", 60.0)
    ends: list[End] = []
    async with Bridge(COMMAND) as child:
        assert isinstance(await run_in(child, execute("die")), Lost)
        child.begin(execute("echo"), NOTHING, ends.append)
    assert [type(end) for end in ends] == [Refused]


async def test_leaving_lets_the_child_end_by_itself_and_leaves_nothing_behind() -> None:
    async with Bridge(COMMAND) as child:
        process = child.process_id
        assert process is not None
    assert not psutil.pid_exists(process)


async def test_a_child_whose_worker_is_killed_ends_by_itself() -> None:
    program = (
        "import asyncio\n"
        "from tasker_ffi_bridge import Bridge\n"
        "async def main():\n"
        f"    async with Bridge({COMMAND!r}) as child:\n"
        "        print(child.process_id, flush=True)\n"
        "        await asyncio.sleep(600)\n"
        "asyncio.run(main())\n"
    )
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE
    )
    assert worker.stdout is not None
    child = psutil.Process(int(await worker.stdout.readline()))
    worker.kill()
    await worker.wait()
    await asyncio.to_thread(child.wait, 10)


async def test_the_childs_standard_error_is_in_our_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="tasker.bridge"):
        async with Bridge(COMMAND, name="shop"):
            while "shop: the child begins" not in caplog.messages:
                await asyncio.sleep(0.01)


async def test_a_step_that_kills_children_takes_others_with_it_only_once() -> None:
    """Lost together, they run alone the next time: the innocent one comes through, whatever the other does."""
    async with Bridge(COMMAND) as child:
        held, killer = execute("hold", key="innocent"), execute("die", key="killer")
        running = asyncio.create_task(run_in(child, held))
        assert isinstance(await run_in(child, killer), Lost)
        assert isinstance(await running, Lost)
        for _ in range(3):
            dying = asyncio.create_task(run_in(child, execute("die", key="killer")))
            other = execute("echo", "through", key="innocent")
            again = asyncio.create_task(run_in(child, other))
            assert await result_of(again) == "through"
            assert isinstance(await dying, Lost)


async def test_a_run_that_comes_while_the_child_dies_is_for_the_next_one() -> None:
    async with Bridge(COMMAND) as child:
        before = await result_of(run_in(child, execute("pid")))
        child._life.end("was told to")  # killed, and its end not seen yet
        async with asyncio.timeout(5):
            assert await result_of(run_in(child, execute("pid"))) != before


@pytest.fixture
async def adopting() -> AsyncGenerator[Bridge]:
    """A bridge whose first child has started something that outlives it, and holds its output open."""
    async with Bridge(COMMAND, grace=0.2) as child:
        grandchild = psutil.Process(await result_of(run_in(child, execute("adopt"))))
        try:
            yield child
            assert grandchild.is_running()
        finally:
            grandchild.kill()


async def test_a_childs_end_is_seen_while_its_output_is_held_open(adopting: Bridge) -> None:
    async with asyncio.timeout(5):
        lost = await run_in(adopting, execute("die"))
        assert isinstance(lost, Lost) and "signal 9" in lost.why
        assert await result_of(run_in(adopting, execute("echo", 1))) == 1


async def test_a_child_that_is_ended_gives_way_while_its_output_is_held_open(
    adopting: Bridge,
) -> None:
    stubborn = asyncio.create_task(run_in(adopting, execute("stubborn")))
    await result_of(run_in(adopting, execute("echo", 1)))
    stubborn.cancel()
    async with asyncio.timeout(5):
        while adopting.restarts == 0:
            echoed = await run_in(adopting, execute("echo", 2))
            assert isinstance(echoed, Complete | Lost)
        assert await result_of(run_in(adopting, execute("echo", 3))) == 3


async def test_what_waited_behind_a_run_that_was_cancelled_in_line_goes_on() -> None:
    async with Bridge(COMMAND) as child:
        lost = (execute("hold", key="big"), execute("die", key="killer"))  # they run alone now
        await asyncio.gather(*(run_in(child, run) for run in lost))
        await result_of(run_in(child, execute("echo", key="other")))  # it is back
        held = asyncio.create_task(run_in(child, execute("hold", key="small")))
        big = asyncio.create_task(run_in(child, execute("echo", key="big")))
        behind = asyncio.create_task(run_in(child, execute("echo", 3, key="other")))
        await asyncio.wait([behind], timeout=0.1)
        assert not behind.done()
        big.cancel()
        async with asyncio.timeout(5):
            assert await result_of(behind) == 3
        held.cancel()


async def test_what_a_run_logs_comes_to_it_with_its_fields_and_all_else_is_the_bridges(
    caplog: pytest.LogCaptureFixture,
) -> None:
    said = {"level": "warning", "message": "odd", "fields": {"n": 1}}
    asked = Asked()
    with caplog.at_level(logging.INFO, logger="tasker.bridge"):
        async with Bridge(COMMAND, name="shop") as child:
            for more in ({}, {"run": "of another"}):
                tell = {"method": "log", "params": said | more}
                await result_of(run_in(child, execute("tell", tell), asked.services()))
    assert asked.heard == [Log("warning", "odd", asked.heard[0].run, {"n": 1})]
    [record] = [one for one in caplog.records if one.getMessage() == "shop: odd"]
    assert (record.levelname, vars(record)["fields"]) == ("WARNING", {"n": 1})


@pytest.mark.parametrize(("files", "own"), [(["handlers.rb"], 10), (["handlers.ts"], 100)])
async def test_how_many_runs_a_child_takes_can_be_said(files: list[str], own: int) -> None:
    paths = [str(EXAMPLES / file) for file in files]
    for said, expected in ((None, own), (3, 3)):
        [bridge] = make_bridges(paths, [], worker="w", grace=5, concurrency=said)
        async with bridge:
            assert bridge.child.concurrency == expected

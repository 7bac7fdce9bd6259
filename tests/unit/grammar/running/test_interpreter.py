"""What a program's run does, and does not do again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from tests.unit.grammar.running.programs import EVENT, gives, program, read, sees, step, write

from tasker_grammar.expressions import Budget, DataError, Expression
from tasker_grammar.primitives.interface import Program, Running
from tasker_grammar.running import Ran, run_program, together
from tasker_grammar.running.simulated import Crashed, SimulatedWorld, Unanswered
from tasker_grammar.types import Anything
from tasker_grammar.world import ActionFailed

NOTHING: Mapping[str, Any] = {"input": None}


def run(given: Program, world: Any, watch: Any = None) -> Any:
    return asyncio.run(run_program(given, NOTHING, world, watch))


def test_a_step_sees_the_input_and_what_it_refers_to() -> None:
    async def all_of_it(running: Running) -> Any:
        return dict(running.given)

    made = program(step("a", gives(1)), step("b", gives(2)), step("c", all_of_it, ["a"]))

    assert run(made, SimulatedWorld()) == {"input": None, "a": 1}


def test_what_was_not_chosen_does_not_run_nor_what_depends_on_it() -> None:
    ran: list[Ran] = []
    made = program(
        step("which", gives({"branch": "big"}), branches={"big": ["a"], "else": ["b"]}),
        step("a", gives("A"), ["which"]),
        step("b", gives("B"), ["which"]),
        step("behind", gives("no"), ["b"]),
        step("end", sees("a", "b", "behind"), ["a", "b", "behind"], gathers=True),
    )

    assert run(made, SimulatedWorld(), ran.append) == ["A", None, None]
    assert {each.place: each.state for each in ran} == {
        "which": "complete",
        "a": "complete",
        "b": "left_out",
        "behind": "left_out",
        "end": "complete",
    }


def test_a_gathering_step_does_not_run_when_nothing_did_that_it_waits_for() -> None:
    ran: list[Ran] = []
    made = program(
        step("which", gives({"branch": "else"}), branches={"yes": ["a", "b"], "else": []}),
        step("a", gives(1), ["which"]),
        step("b", gives(2), ["which"]),
        step("both", gives(3), ["a", "b"], gathers=True),
        step("end", gives("end"), ["which"]),
    )

    assert run(made, SimulatedWorld(), ran.append) == "end"
    assert [each.place for each in ran if each.state == "left_out"] == ["a", "b", "both"]


def test_independent_reads_run_at_the_same_time() -> None:
    class Slow(SimulatedWorld):
        under_way = 0
        most = 0
        both = asyncio.Event()

        async def acquire(self, place: str, endpoint: Any, params: Any) -> Any:
            Slow.under_way += 1
            Slow.most = max(Slow.most, Slow.under_way)
            if Slow.under_way == 2:
                Slow.both.set()
            await asyncio.wait_for(Slow.both.wait(), 5)
            Slow.under_way -= 1
            return place

    made = program(
        step("a", read, effect="read"),
        step("b", read, effect="read"),
        step("end", sees("a", "b"), ["a", "b"]),
    )

    assert run(made, Slow()) == ["a", "b"]
    assert Slow.most == 2


def test_a_write_waits_for_all_reads_and_makes_them_durable() -> None:
    made = program(
        step("a", read, effect="read"),
        step("saved", write(lambda r: r.given["a"]), ["a"], "idempotent_write"),
        step("b", read, effect="read"),
        step("end", sees("a", "b", "saved"), ["a", "b", "saved"]),
    )
    world = SimulatedWorld({"a": {"id": 1}, "b": {"id": 2}})

    run(made, world)

    assert world.recalled == {"a": {"id": 1}, "b": {"id": 2}, "saved": {"rows": 1, "changed": 1}}


def test_a_failed_read_stops_the_others_and_nothing_is_written() -> None:
    class Broken(SimulatedWorld):
        interrupted = False

        async def acquire(self, place: str, endpoint: Any, params: Any) -> Any:
            if place == "a":
                raise ActionFailed("RESOURCE_UNAVAILABLE", "gone", retryable=True)
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                Broken.interrupted = True
                raise

    world = Broken()
    made = program(
        step("b", read, effect="read"),
        step("a", read, effect="read"),
        step("saved", write(), effect="idempotent_write"),
        step("end", gives(1), ["a", "b", "saved"]),
    )

    with pytest.raises(ActionFailed) as failed:
        run(made, world)

    assert failed.value.place == "a"
    assert Broken.interrupted
    assert not world.acts


def test_a_run_that_begins_anew_writes_nothing_twice_and_reads_nothing_else() -> None:
    made = program(
        step("fetched", read, effect="read"),
        step("first", write(lambda r: r.given["fetched"]), ["fetched"], "idempotent_write"),
        step(
            "second", write(lambda r: r.given["fetched"]), ["fetched", "first"], "idempotent_write"
        ),
        step("end", sees("fetched", "first", "second"), ["fetched", "first", "second"]),
    )
    died: list[str] = []

    def once(moment: str, place: str) -> bool:
        at = f"{moment} {place}"
        if moment == "after" and at not in died:
            died.append(at)
            return True
        return False

    world = SimulatedWorld({"fetched": {"id": 1}}, once)
    for _ in range(2):
        with pytest.raises(Crashed):
            run(made, world)
    ran: list[Ran] = []
    result = run(made, world, ran.append)

    assert died == ["after first", "after second"]
    assert result[0] == {"id": 1}
    assert world.reads == {"fetched": 1}
    assert {place: act.times for place, act in world.acts.items()} == {"first": 1, "second": 1}
    assert [each.state for each in ran] == ["recalled", "recalled", "recalled", "complete"]


def test_parts_have_places_of_their_own_and_the_whole_says_what_they_did() -> None:
    item = program(step("fetched", read, effect="read"))

    async def each(running: Running) -> Any:
        runs = [
            lambda i=i: running.run(item, {**running.given, "item": i}, f"[{i}]") for i in (0, 1)
        ]
        return await together(runs, 2)

    made = program(
        step("each", each, effect="read"), step("saved", write(), ["each"], "idempotent_write")
    )
    ran: list[Ran] = []
    world = SimulatedWorld({"each.fetched": "f"})
    run(made, world, ran.append)

    assert [r.place for r in ran] == ["each[0].fetched", "each[1].fetched", "each", "saved"]
    assert set(world.recalled) == {"each", "saved"}


def test_a_part_that_failed_and_is_passed_over_is_not_tried_again() -> None:
    async def fails(running: Running) -> Any:
        await read(running)
        raise ActionFailed("NO", "no")

    item = program(step("fetched", fails, effect="read"))

    async def passes_over(running: Running) -> Any:
        try:
            return await running.run(item, running.given, "[0]")
        except ActionFailed as failure:
            return failure.code

    made = program(
        step("each", passes_over, effect="read"),
        step("saved", write(), ["each"], "idempotent_write"),
    )
    world = SimulatedWorld({"each.fetched": "f"})
    run(made, world)
    run(made, world)

    assert world.recalled["each"] == "NO"
    assert world.reads == {"each[0].fetched": 1}


def test_a_failure_has_the_place_of_the_step_it_is_of() -> None:
    item = program(step("fetched", read, effect="read"))

    async def each(running: Running) -> Any:
        return [await running.run(item, running.given, "[0]")]

    world = SimulatedWorld({"each[0].fetched": {"$fail": {"code": "RESULT_INVALID"}}})
    with pytest.raises(ActionFailed) as failed:
        run(program(step("each", each, effect="read")), world)

    assert (failed.value.code, failed.value.place) == ("RESULT_INVALID", "each[0].fetched")


def test_an_evaluation_that_fails_says_where() -> None:
    def divide(value: Any, budget: Budget) -> Any:
        raise DataError("DATA_ERROR", "there is no quotient by 0")

    by_zero = Expression(".a / 0" + " " * 100 + "| .", Anything(), frozenset(), True, divide)

    async def evaluate(running: Running) -> Any:
        return await running.evaluate(by_zero)

    with pytest.raises(
        ActionFailed, match=r"there is no quotient by 0, in \.a / 0 \| \."
    ) as failed:
        run(program(step("half", evaluate)), SimulatedWorld())

    assert (failed.value.code, failed.value.place) == ("DATA_ERROR", "half")


def test_long_computing_lets_others_have_their_turn() -> None:
    async def spin(_: Running) -> Any:
        import time

        end = time.perf_counter() + 0.01
        while time.perf_counter() < end:
            pass

    made = program(*(step(f"s{n}", spin) for n in range(20)))
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def both() -> None:
        other = asyncio.ensure_future(others())
        await run_program(made, NOTHING, SimulatedWorld())
        other.cancel()

    asyncio.run(both())
    assert turns >= 5


def test_a_simulation_says_for_which_step_it_knows_no_answer() -> None:
    with pytest.raises(Unanswered, match="no result is given for fetched"):
        run(program(step("fetched", read, effect="read")), SimulatedWorld())


def test_a_simulated_event_has_one_id_for_one_key() -> None:
    async def tell(running: Running) -> Any:
        return await running.world.emit(running.place, "told", EVENT, "k", {}, running.done)

    world = SimulatedWorld()
    made = program(
        step("a", tell, effect="idempotent_write"),
        step("b", tell, effect="idempotent_write"),
        step("end", sees("a", "b"), ["a", "b"]),
    )
    one, other = run(made, world)

    assert one == other
    assert len(world.sent) == 1


def test_together_raises_what_is_raised_as_it_is_and_interrupts_the_rest() -> None:
    class Left(BaseException):
        pass

    interrupted: list[int] = []

    async def one(index: int) -> int:
        if index == 1:
            raise Left
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            interrupted.append(index)
            raise
        return index

    with pytest.raises(Left):
        asyncio.run(together([lambda i=i: one(i) for i in range(4)], 3))

    assert interrupted == [0, 2]


def test_together_keeps_the_order_and_the_bound() -> None:
    under_way: list[int] = []
    most = 0

    async def one(index: int) -> int:
        nonlocal most
        under_way.append(index)
        most = max(most, len(under_way))
        for _ in range(10 - index):
            await asyncio.sleep(0)
        under_way.remove(index)
        return index

    assert asyncio.run(together([lambda i=i: one(i) for i in range(10)], 3)) == [*range(10)]
    assert most == 3

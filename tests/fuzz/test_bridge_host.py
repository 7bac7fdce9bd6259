"""Children that say what they should not, to the host: each run has the end that was said of it, or is lost with its
child; whatever they say, the next run goes through.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, note
from hypothesis import strategies as st
from tests.bridge.support import Asked, execute, run_in
from tests.fuzz import hostile
from tests.fuzz.bridge_lines import NO_MESSAGES, TORN, encode, plain
from tests.fuzz.scale import bounded

from tasker_ffi_bridge import Bridge, Lost, Refused, bridge
from tasker_ffi_bridge.host import HostSession
from tasker_ffi_bridge.messages import Complete, ErrorCode, GiveUp, Retry, Wait

RELAY = Path(__file__).with_name("relay.py")
LIMIT = 20_000  # bytes of a line
PATIENCE = 30.0  # seconds; only a test that fails waits that long
# By a seed: what is drawn also depends on ids, which are never used twice, and hypothesis would call that flaky.
SEEDS = st.integers(0, 2**32 - 1)

End = Callable[[Any], bool]
"""Whether a run has come to what it should."""


@dataclass
class Act:
    """Bytes that a child says. `ends` a run, by its place among those that are open; or `breaks` the child's promise;
    and `told` is the error that the host answers. Nobody can tell what comes of one that is not `sure`.
    """

    data: bytes
    ends: tuple[int, End] | None = None
    breaks: bool = False
    told: tuple[Any, int] | None = None
    sure: bool = True


@dataclass
class Life:
    """The other end of a child's wire."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    heard: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    async def told(self, id: str) -> None:
        """Hear until a request of the child's is answered."""
        while not any(message["id"] == id for message in self.heard):
            self.heard.append(json.loads(await self.reader.readuntil()))

    async def begun(self, runs: Sequence[str]) -> list[int]:
        """The ids under which runs were begun. What else is heard is kept."""
        ids: dict[str, int] = {}
        while len(ids) < len(runs):
            message = json.loads(await self.reader.readuntil())
            if message.get("method") == "execute":
                ids[message["params"]["run"]] = message["id"]
            else:
                self.heard.append(message)
        return [ids[run] for run in runs]


class Stage:
    """A bridge, and its children, which wait for their lines."""

    def __init__(self) -> None:
        self.lives: asyncio.Queue[Life] = asyncio.Queue()
        self.numbers = count(1)
        self.life: Life | None = None
        self.faults: list[Any] = []

    async def open(self) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, what: self.faults.append(what))
        self.folder = tempfile.TemporaryDirectory()
        path = f"{self.folder.name}/wire"
        self.server = await asyncio.start_unix_server(self._greet, path, limit=1 << 24)
        self.bridge = Bridge((sys.executable, str(RELAY), path), name="relay", grace=5)
        await self.bridge.__aenter__()

    async def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        begin = json.loads(await reader.readuntil())
        result = {
            "protocol": "1.0",
            "concurrency": 50,
            "handlers": [{"name": "echo"}],
            "ping": False,
        }
        writer.write(encode({"jsonrpc": "2.0", "id": begin["id"], "result": result}))
        self.lives.put_nowait(Life(reader, writer))

    async def close(self) -> None:
        with suppress(RuntimeError):
            await self.bridge.__aexit__(RuntimeError, None, None)
        self.drop()
        while not self.lives.empty():
            self.lives.get_nowait().writer.close()
        self.server.close()
        await self.server.wait_closed()
        await asyncio.sleep(0.1)  # for the transports, which say nothing when they are closed
        self.folder.cleanup()

    async def leave(self) -> None:
        """Let the present child end, after an example that failed."""
        self.drop()
        self.faults.clear()

    def drop(self) -> None:
        """Close the wire of a child that is over."""
        if self.life is not None:
            self.life.writer.close()
        self.life = None

    def run(self) -> tuple[str, asyncio.Task[Any]]:
        """Begin a run, of a step of its own."""
        number = next(self.numbers)
        asked = execute("echo", number, key=f"t:{number}")
        return asked["run"], asyncio.create_task(run_in(self.bridge, asked, Asked().services()))


@pytest.fixture(scope="module")
def playing() -> Iterator[tuple[asyncio.Runner, Stage]]:
    with pytest.MonkeyPatch.context() as patch, asyncio.Runner() as runner:
        patch.setattr(logging.getLogger("tasker.bridge"), "disabled", True)  # the floods
        patch.setattr(bridge, "_FIRST_BACKOFF", 0.0)
        patch.setattr(bridge, "HostSession", partial(HostSession, message_bytes=LIMIT))
        stage = Stage()
        runner.run(stage.open())
        yield runner, stage
        runner.run(stage.close())


def answer(id: Any, **parts: Any) -> bytes:
    return encode({"jsonrpc": "2.0", "id": id, **parts})


def draw(random: Random, ids: Sequence[int], runs: Sequence[str], number: int) -> Act:
    """Something that a child says while some runs are open in it."""
    at = random.randrange(len(ids))
    return random.choice(_KINDS)(random, at, ids[at], runs[at], number)


def _end(random: Random, at: int, id: int, run: str, number: int) -> Act:
    value = plain(random)
    error = {"type": "T", "message": "m"}
    wait = {"name": "sleep:1", "seconds": 5}
    bridge_error = lambda came: isinstance(came, Retry) and came.error.type == "BridgeError"  # noqa: E731
    parts, end = random.choice(
        (
            ({"result": {"outcome": "complete", "result": value}}, lambda came: came == Complete("complete", value)),
            ({"result": {"outcome": "retry", "error": error, "delay": 1}}, lambda came: came.delay == 1),
            ({"result": {"outcome": "error", "error": error}}, lambda came: isinstance(came, GiveUp)),
            ({"result": {"outcome": "wait", "wait": wait}}, lambda came: isinstance(came, Wait)),
            ({"result": random.choice((None, 5, [], {}, {"outcome": "perhaps"}, {"outcome": "retry"}))}, bridge_error),
            ({"error": {"code": 7, "message": "m"}}, bridge_error),
            ({"error": {"code": ErrorCode.NO_METHOD, "message": "m"}}, lambda came: isinstance(came, Refused)),
            ({"error": {"code": ErrorCode.TOO_MANY, "message": "m"}}, lambda came: isinstance(came, Refused)),
        )
    )  # fmt: skip
    return Act(answer(id, **parts) * random.choice((1, 1, 2)), (at, end))


def _stray(random: Random, at: int, id: int, run: str, number: int) -> Act:
    """An answer to nothing."""
    done = {"result": {"outcome": "complete", "result": "not its own"}}
    if random.randrange(4) == 0:
        return Act(answer(None, error={"code": ErrorCode.NO_JSON, "message": "m"}))
    return Act(answer(random.choice((id + 10_000, 0, -id, str(id), "x" * 5000, 2**60)), **done))


def _broken(random: Random, at: int, id: int, run: str, number: int) -> Act:
    done = {"result": {"outcome": "complete", "result": "not its own"}}
    whole = answer(id, **done)
    line = random.choice(
        (
            random.choice(TORN) + b"\n",
            encode(random.choice(NO_MESSAGES)),
            answer(random.choice((float(id), True, [id])), **done),
            whole[: random.randrange(1, len(whole) - 1)] + b"\n",
            answer(id, result={"outcome": "complete", "result": "x" * LIMIT}),
            b"x" * (3 * LIMIT),
            encode({"id": id, **done}),
        )
    )
    return Act(line, breaks=True)


def _blank(random: Random, at: int, id: int, run: str, number: int) -> Act:
    return Act(random.choice((b"\n", b"\r\n", b"  \n", b"\n" * 500)))


def _request(random: Random, at: int, id: int, run: str, number: int) -> Act:
    asking = f"ask {number}"
    params = {"run": run, "name": "run:a", "value": 1}
    method, given, code = random.choice(
        (
            ("dance", params, ErrorCode.NO_METHOD),
            ("execute", params, ErrorCode.NO_METHOD),
            ("checkpoint", {**params, "run": "nobody"}, ErrorCode.NO_RUN),
            ("start_task", {"run": "nobody", "name": "n", "template": "t"}, ErrorCode.NO_RUN),
            ("checkpoint", {**params, "name": random.choice((5, "", None, "x" * 301))}, ErrorCode.BAD_PARAMS),
            ("checkpoint", random.choice((None, [], 5, {})), ErrorCode.BAD_PARAMS),
            ("start_task", params, ErrorCode.BAD_PARAMS),
        )
    )  # fmt: skip
    message = {"jsonrpc": "2.0", "id": asking, "method": method, "params": given}
    return Act(encode(message), told=(asking, code))


def _asking(random: Random, at: int, id: int, run: str, number: int) -> Act:
    """What may well be asked, if the run is still open; and its end with it."""
    params = {"run": run, "name": "run:a", "value": plain(random)}
    asked = {"jsonrpc": "2.0", "id": number, "method": "checkpoint", "params": params}
    done = answer(id, result={"outcome": "complete", "result": "asked"})
    return Act(encode(asked) + done, (at, lambda came: came == Complete("complete", "asked")))


def _notice(random: Random, at: int, id: int, run: str, number: int) -> Act:
    method = random.choice(("progress", "log", "dance", "cancel", "complete", "x" * 3000))
    good = {"run": run, "done": 1, "level": "info", "message": "m", "fields": {}}
    params = random.choice((good, hostile.mutated(random, good), None, [], "x"))
    line = json.dumps({"jsonrpc": "2.0", "method": method, "params": params})
    return Act(
        line.encode() + b"\n",
        sure=len(line) < LIMIT and "NaN" not in line and "Infinity" not in line,
    )


def _flood(random: Random, at: int, id: int, run: str, number: int) -> Act:
    kinds = (
        {"method": "log", "params": {"level": "debug", "message": "again", "run": run}},
        {"method": "progress", "params": {"run": run, "done": 1}},
        {"id": "again", "result": {}},
    )
    return Act(encode({"jsonrpc": "2.0", **random.choice(kinds)}) * 2000)


def _noise(random: Random, at: int, id: int, run: str, number: int) -> Act:
    good = {"jsonrpc": "2.0", "id": id, "result": {"outcome": "complete", "result": number}}
    return Act(json.dumps(hostile.mutated(random, good)).encode() + b"\n", sure=False)


_KINDS = (_end, _end, _end, _stray, _stray, _broken, _blank, _request, _request, _asking, _notice, _notice, _flood,
          _noise)  # fmt: skip


@bounded(60)
@given(SEEDS, st.integers(1, 5), st.integers(0, 12), st.booleans())
def test_each_run_has_its_own_end_or_is_lost(
    playing: tuple[asyncio.Runner, Stage], seed: int, runs: int, size: int, closes: bool
) -> None:
    runner, stage = playing
    try:
        runner.run(play(stage, Random(seed), runs, size, closes))
    except BaseException:  # then the next example begins with another child
        runner.run(stage.leave())
        raise


async def play(stage: Stage, random: Random, runs: int, size: int, closes: bool) -> None:
    """Let a child speak, then answer honestly what is open still, or end; and see what became of each run."""
    life = stage.life = stage.life or await patiently(stage.lives.get())
    restarts = stage.bridge.restarts
    begun = [stage.run() for _ in range(runs)]
    names = [name for name, _ in begun]
    ids = await patiently(life.begun(names))
    acts = [draw(random, ids, names, next(stage.numbers)) for _ in range(size)]
    for act in acts:
        note(
            f"{act.data[:300]!r} {len(act.data)} breaks={act.breaks} ends={act.ends} sure={act.sure}"
        )
    lives = not closes and not any(act.breaks for act in acts)
    rest = [answer(id, result={"outcome": "complete", "result": id}) for id in ids]
    last_id = f"last {next(stage.numbers)}"
    last = encode({"jsonrpc": "2.0", "id": last_id, "method": "dance"}) if lives else b""
    half = rest[0][: len(rest[0]) // 2] if closes else b""
    await say(life, random, b"".join(act.data for act in acts) + (half or b"".join(rest)) + last)
    if closes:
        life.writer.close()
    ends = [await patiently(task) for _, task in begun]
    judge(acts, ids, ends, closes)
    while await run_one(stage) is not None:
        pass  # it was begun in the child that has just died
    assert stage.life is not None
    if lives and all(act.sure for act in acts):
        assert stage.bridge.restarts == restarts
        await patiently(life.told(last_id))
        told = Counter((m["id"], m["error"]["code"]) for m in life.heard if "error" in m)
        owed = Counter(act.told for act in acts if act.told is not None)
        assert told >= owed, f"not told: {owed - told}"
    stage.life.heard.clear()
    assert stage.faults == []
    assert stage.bridge.restarts <= restarts + 1


async def run_one(stage: Stage) -> Lost | None:
    """Run a step honestly, in this child or in the one behind it; None when it went through."""
    name, task = stage.run()
    while True:
        stage.life = life = stage.life or await patiently(stage.lives.get())
        begun = asyncio.create_task(life.begun([name]))
        await patiently(asyncio.wait([begun, task], return_when=asyncio.FIRST_COMPLETED))
        if not begun.done():
            begun.cancel()
            lost = task.result()
            assert isinstance(lost, Lost)
            return lost
        if isinstance(begun.exception(), asyncio.IncompleteReadError | ConnectionError):
            stage.drop()
            continue
        life.writer.write(answer(begun.result()[0], result={"outcome": "complete", "result": name}))
        end = await patiently(task)
        assert isinstance(end, Lost) or end == Complete("complete", name)
        return end if isinstance(end, Lost) else None


def judge(acts: Sequence[Act], ids: Sequence[int], ends: Sequence[Any], closes: bool) -> None:
    """Hold what runs came to against what was said, in the order in which it was said."""
    came: dict[int, End] = {}
    sure = alive = True
    for act in acts:
        sure = sure and act.sure
        alive = alive and not act.breaks
        if alive and act.ends is not None:
            came.setdefault(*act.ends)
    for at, end in enumerate(ends):
        honest = end == Complete("complete", ids[at])
        if sure and at in came:
            assert came[at](end), f"run {at} came to {end}"
        elif sure and (closes or not alive):
            assert isinstance(end, Lost), f"run {at} was not lost: {end}"
        elif sure:
            assert honest, f"run {at} came to {end}"
        assert not (isinstance(end, Complete) and end.result == "not its own"), f"run {at}: {end}"


async def say(life: Life, random: Random, data: bytes) -> None:
    """Write, whole or in pieces; it may be that nobody listens any more."""
    cuts = sorted(random.randrange(len(data) + 1) for _ in range(random.choice((0, 0, 1, 4))))
    with suppress(ConnectionError):
        for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
            life.writer.write(data[start:end])
            await life.writer.drain()
            await asyncio.sleep(0)


async def patiently(what: Awaitable[Any]) -> Any:
    async with asyncio.timeout(PATIENCE):
        return await what

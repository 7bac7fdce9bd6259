"""A host that says what it should not, to children of our own libraries: each line has its defined answer, and nothing
ends them.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, note
from hypothesis import strategies as st
from tests.fuzz.bridge_lines import LIMIT, Said, answers, draw, encode, execute, outcome, request
from tests.fuzz.scale import bounded

from tasker_ffi_bridge.messages import ErrorCode, read_outcome
from tasker_ffi_bridge.node import typescript_command
from tasker_ffi_bridge.process import ChildProcess, start_child
from tasker_ffi_bridge.ruby import ruby_command

EXAMPLES = Path(__file__).parents[2] / "examples" / "bridge"
COMMANDS = {
    "ruby": ruby_command([EXAMPLES / "handlers.rb"], concurrency=1000),
    "typescript": typescript_command([EXAMPLES / "handlers.ts"], concurrency=1000),
}
CODES = {code for name, code in vars(ErrorCode).items() if name.isupper()}
PATIENCE = 30.0  # seconds; only a test that fails waits that long
# By a seed: what is drawn also depends on ids, which are never used twice, and hypothesis would call that flaky.
SEEDS = st.integers(0, 2**32 - 1)


class Conversation:
    """One child, which is talked with for as long as it lives. `loose`: messages that may still come for noise."""

    def __init__(self, child: ChildProcess) -> None:
        self.child = child
        self.numbers = count(10_000)
        self.loose = 0
        self.heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        work = (child.write(), child.carry_log(), self._listen())
        self.tasks = [asyncio.create_task(each) for each in work]

    async def _listen(self) -> None:
        async for lines in self.child.lines(1 << 30):
            for line in lines:
                if line.strip():
                    self.heard.put_nowait(json.loads(line))

    async def hear(self) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE):
            return await self.heard.get()

    async def say(self, random: Random, data: bytes) -> None:
        """Write, whole or in pieces."""
        cuts = sorted(random.randrange(len(data) + 1) for _ in range(random.choice((0, 0, 1, 3))))
        for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
            self.child.put(data[start:end])
            await asyncio.sleep(0)


async def converse(language: str) -> Conversation:
    """Start a child, and begin."""
    talk = Conversation(await start_child(language, COMMANDS[language], {}))
    limits = {"message_bytes": LIMIT}
    talk.child.put(request(1, "initialize", {"protocol": ["1.0"], "worker": "w", "limits": limits}))
    assert (await talk.hear())["result"]["concurrency"] == 1000
    return talk


async def end(talk: Conversation) -> None:
    talk.child.put(request("last", "shutdown", {"grace": 5}))
    async with asyncio.timeout(PATIENCE):
        assert await talk.child.process.wait() == 0
    for task in talk.tasks:
        task.cancel()


@pytest.fixture(scope="module", params=COMMANDS)
def talking(request: pytest.FixtureRequest) -> Iterator[tuple[asyncio.Runner, Conversation]]:
    """A child that lives through all examples, and what runs the conversation with it."""
    with asyncio.Runner() as runner:
        talk = runner.run(converse(request.param))
        yield runner, talk
        runner.run(end(talk))


@bounded(200)
@given(SEEDS, st.integers(1, 30))
def test_each_line_has_its_answer(
    talking: tuple[asyncio.Runner, Conversation], seed: int, size: int
) -> None:
    runner, talk = talking
    random = Random(seed)
    said = Said()
    for _ in range(size):
        said.add(draw(random, talk.numbers))
    for line in said.line.splitlines():
        note(repr(line[:300]))
    runner.run(hold(talk, random, said))


async def hold(talk: Conversation, random: Random, said: Said) -> None:
    """Say it, and hold the child to all that it owes for it."""
    ping, echo = f"ping {next(talk.numbers)}", f"echo {next(talk.numbers)}"
    said.add(
        Said(
            request(echo, "execute", execute(echo, input=echo)),
            results={echo: outcome(result=echo)},
        )
    )
    said.add(Said(request(ping, "ping"), results={ping: lambda came: came == {}}))
    talk.loose += said.loose
    await talk.say(random, said.line)
    errors: Counter[tuple[Any, int]] = Counter()
    owed = dict(said.results)
    told = False  # that all lines are read: errors are answered in their order
    while owed or not told:
        try:
            message = await talk.hear()
        except TimeoutError:
            raise AssertionError(
                f"not answered: {list(owed)}; {talk.child.last_words.lines()}"
            ) from None
        assert message["jsonrpc"] == "2.0"
        if message.get("method") == "checkpoint":
            answer(talk, random, message, owed)
        elif "error" in message:
            assert message["error"]["code"] in CODES and message["error"]["message"]
            errors[message["id"], message["error"]["code"]] += 1
        elif "method" not in message:
            told = told or message["id"] == ping
            take(talk, message, owed)
    missing, beyond = said.errors - errors, errors - said.errors
    assert not missing, f"not said: {missing}; said: {errors}"
    talk.loose -= beyond.total()
    assert talk.loose >= 0, f"said for nothing: {beyond}"
    assert talk.child.process.returncode is None


def take(talk: Conversation, message: dict[str, Any], owed: dict[Any, Any]) -> None:
    """An answer that is no error: one that is owed, or one of noise."""
    is_owed = owed.pop(message["id"], None)
    if is_owed is None:
        talk.loose -= 1
        if message["result"] != {}:
            read_outcome(message["result"])
    else:
        assert is_owed(message["result"]), message


def answer(
    talk: Conversation, random: Random, message: dict[str, Any], owed: dict[Any, Any]
) -> None:
    """Answer what a run has asked for, in one way or another."""
    lines, kind = answers(random, message["id"])
    run = message["params"]["run"]
    number = int(run.split()[1])
    with suppress(StopIteration):  # else it is a run of noise
        id = next(id for id in (number, f"id {number}") if id in owed)
        owed[id] = outcome() if kind is None else outcome(outcome=kind)
    for each in lines:
        talk.child.put(encode({"jsonrpc": "2.0", **each}))

"""Tries a child's program against the cases of the protocol. Touches processes, and reads the cases beside this module.

A case is a conversation: what is sent, and what is expected in answer. What is expected is a part of the message:
further fields are free. In it "$string", "$list" and "$id" stand for any text, any list, any id; "$id" in what is sent
is the id that was last met so. What fills a child is sent once for each run that it takes at once; "$n" in it is each
time another text, and afterwards the last one. Each case has a child of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, Literal, cast

import orjson

from tasker_ffi_bridge.messages import LONGEST_LINE
from tasker_ffi_bridge.process import ChildProcess, start_child

__all__ = ["HANDLERS", "Case", "Profile", "Verdict", "load_cases", "try_child"]

Json = Any
Profile = Literal["minimal", "full"]

HANDLERS: Mapping[str, str] = {
    "echo": "returns the task's input",
    "retry": 'fails with "again", to be tried again after 1.5 seconds',
    "give_up": 'fails for good with "never"',
    "crash": "raises an ordinary exception",
    "print": "prints a line in the language's ordinary way, and returns nothing",
    "hang": "runs until it is cancelled",
    "report": 'says progress: 1 of 2, "half"; returns nothing',
    "remember": 'runs a function once, named "once", that gives 42; returns what it gave',
    "nap": 'sleeps for 60 seconds, then returns "rested"',
    "listen": 'waits for the event "paid", at most 60 seconds; returns its payload',
    "parent": 'starts a task of "kit/other" named "kid" with input {"a": 1}, waits for it, returns its result',
}
"""The handlers that a child under test must have. The minimal profile needs the first five."""


@dataclass(frozen=True, slots=True)
class Case:
    """A conversation, and what it shows."""

    name: str
    profile: Profile
    says: str
    steps: Sequence[Mapping[str, Json]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a case: `fault` is None when it passed. `said` is the conversation, line by line."""

    case: Case
    fault: str | None
    said: tuple[str, ...]

    @property
    def is_mute(self) -> bool:
        """Whether the child has said nothing at all."""
        return not any(line.startswith("<- ") for line in self.said)


def load_cases(profile: Profile) -> list[Case]:
    """The cases of a profile; those of the minimal one belong to both."""
    given = orjson.loads((files("tasker_ffi_bridge.conformance") / "cases.json").read_bytes())
    cases = [Case(**case) for case in given]
    return [case for case in cases if profile == "full" or case.profile == "minimal"]


async def try_child(
    command: Sequence[str], cases: Sequence[Case], *, patience: float = 10.0
) -> AsyncGenerator[Verdict]:
    """Try a child against cases, one after the other. An answer may take `patience` seconds.

    One that says nothing in the first case is not tried any further. Raises OSError when there is no such program.
    """
    for number, case in enumerate(cases):
        verdict = await _try(command, case, patience)
        yield verdict
        if number == 0 and verdict.is_mute:
            return


class _Fault(Exception):
    """What a child did not do as it must."""


@dataclass(slots=True)
class _Talk:
    """One conversation with a child under test."""

    child: ChildProcess
    patience: float
    lines: asyncio.Queue[bytes | None] = field(default_factory=asyncio.Queue[bytes | None])
    said: list[str] = field(default_factory=list[str])
    places: int = 1
    """How many runs the child takes at once, as it has said."""
    met: dict[str, Json] = field(default_factory=dict[str, Json])
    """What "$id" and "$n" stand for."""

    def send(self, line: bytes) -> None:
        self.said.append(f"-> {_shorten(line)}")
        self.child.put(line)

    async def hear(self) -> bytes:
        try:
            async with asyncio.timeout(self.patience):
                line = await self.lines.get()
        except TimeoutError:
            raise _Fault(self._silence()) from None
        if line is None:
            raise _Fault("its output ended")
        self.said.append(f"<- {_shorten(line)}")
        return line

    def _silence(self) -> str:
        silence = f"it said nothing for {self.patience:g} s"
        if len(self.said) > 1 or '"initialize"' not in self.said[0]:
            return silence
        return (
            f"it did not answer initialize ({silence}): does it flush its output after each line?"
        )


async def _try(command: Sequence[str], case: Case, patience: float) -> Verdict:
    async with _talking(command, patience) as talk:
        try:
            for step in case.steps:
                await _take(talk, step)
        except _Fault as fault:
            log = [f"its log: {line}" for line in talk.child.last_words.lines()]
            return Verdict(case, str(fault), (*talk.said, *log))
        return Verdict(case, None, tuple(talk.said))


@asynccontextmanager
async def _talking(command: Sequence[str], patience: float) -> AsyncGenerator[_Talk]:
    child = await start_child("child", command, {})
    talk = _Talk(child, patience)

    async def listen() -> None:
        async for lines in child.lines(LONGEST_LINE):
            for line in lines:
                if line.strip():
                    talk.lines.put_nowait(line)
        talk.lines.put_nowait(None)

    tasks = [asyncio.create_task(each) for each in (listen(), child.write(), child.carry_log())]
    try:
        yield talk
    finally:
        child.kill()
        await child.process.wait()
        for task in tasks:
            task.cancel()
        child.process.close()


async def _take(talk: _Talk, step: Mapping[str, Json]) -> None:
    match step:
        case {"send": message}:
            _send(talk, message)
        case {"fill": message}:
            for number in range(talk.places):
                talk.met["$n"] = f"n{number}"
                _send(talk, message)
        case {"send_raw": text}:
            parts = cast("list[Json]", text if isinstance(text, list) else [text])
            talk.send("".join(_fill(part, {}) for part in parts).encode())
        case {"expect": pattern}:
            message = _read(await talk.hear())
            named = {name: met for name, met in talk.met.items() if name != "$id"}
            expected = _fill(pattern, named)
            fault = _find_difference(expected, message, "")
            if fault is not None:
                raise _Fault(f"{fault}; expected {_shorten(orjson.dumps(expected))}")
            if pattern.get("id") == "$id":
                talk.met["$id"] = message["id"]
            talk.places = _read_places(message, talk.places)
        case {"close": _}:
            talk.child.close_input()
        case {"ends": seconds}:
            try:
                async with asyncio.timeout(seconds):
                    await talk.child.process.wait()
            except TimeoutError:
                raise _Fault(f"it did not end within {seconds:g} s") from None
        case _:
            raise ValueError(f"a case has a step that nobody knows: {step}")


def _send(talk: _Talk, message: Mapping[str, Json]) -> None:
    filled = _fill({"jsonrpc": "2.0", **message}, talk.met)
    talk.send(orjson.dumps(filled, option=orjson.OPT_APPEND_NEWLINE))


def _read_places(message: dict[str, Json], before: int) -> int:
    """How many runs the child takes at once, when the message says so: the answer to `initialize`."""
    match message:
        case {"result": {"handlers": _, "concurrency": int(places)}} if 1 <= places <= 1000:
            return places
        case {"result": {"handlers": _, "concurrency": wrong}}:
            raise _Fault(f"result.concurrency is {_show(wrong)}, not a whole number from 1 to 1000")
        case _:
            return before


def _read(line: bytes) -> dict[str, Json]:
    try:
        message = orjson.loads(line)
    except orjson.JSONDecodeError:
        raise _Fault("it said what is no JSON") from None
    if not isinstance(message, dict):
        raise _Fault("it said JSON that is no object")
    read = cast("dict[str, Json]", message)
    if read.get("jsonrpc") != "2.0":
        raise _Fault('it left out "jsonrpc": "2.0"')
    return read


def _fill(value: Json, met: Mapping[str, Json]) -> Json:
    """What a case writes short, written out: {"$repeat": [text, times]}, and what has a name, such as "$id"."""
    match value:
        case {"$repeat": [text, times]}:
            return text * times
        case dict():
            named = cast("dict[str, Json]", value)
            return {key: _fill(part, met) for key, part in named.items()}
        case list():
            return [_fill(part, met) for part in cast("list[Json]", value)]
        case str() if value in met:
            return met[value]
        case _:
            return value


def _find_difference(pattern: Json, given: Json, path: str) -> str | None:
    """Where what was said is not as expected; None when it is."""
    here = path or "it"
    match pattern:
        case "$string" | "$list" | "$id":
            kinds = {"$string": str, "$list": list, "$id": str | int}
            return (
                None
                if isinstance(given, kinds[pattern])
                else f"{here} is {_show(given)}, not {pattern[1:]}"
            )
        case dict() if isinstance(given, dict):
            named = cast("dict[str, Json]", pattern)
            read = cast("dict[str, Json]", given)
            for key, part in named.items():
                at = f"{path}.{key}".lstrip(".")
                if key not in read and part is not None:
                    return f"{at} is missing"
                fault = _find_difference(part, read.get(key), at)
                if fault is not None:
                    return fault
            return None
        case _:
            same = pattern == given and isinstance(pattern, bool) == isinstance(given, bool)
            return None if same else f"{here} is {_show(given)}, not {_show(pattern)}"


def _show(value: Json) -> str:
    return _shorten(orjson.dumps(value))


def _shorten(line: bytes) -> str:
    text = line.decode(errors="replace").strip()
    return text if len(text) <= 300 else f"{text[:300]}… ({len(line):,} bytes)"

"""Tries a child's program against the cases of the protocol. Touches processes, and reads the cases beside this module.

A case is a conversation: what is sent, and what is expected in answer. What is expected is a part of the message:
further fields are free. In it "$string", "$list" and "$id" stand for any text, any list, any id; "$id" in what is sent
is the id that was last met so. Each case has a child of its own.
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


def load_cases(profile: Profile) -> list[Case]:
    """The cases of a profile; those of the minimal one belong to both."""
    given = orjson.loads((files("tasker_ffi_bridge.conformance") / "cases.json").read_bytes())
    cases = [Case(**case) for case in given]
    return [case for case in cases if profile == "full" or case.profile == "minimal"]


async def try_child(
    command: Sequence[str], cases: Sequence[Case], *, patience: float = 10.0
) -> AsyncGenerator[Verdict]:
    """Try a child against cases, one after the other. An answer may take `patience` seconds.

    Raises OSError when there is no such program.
    """
    for case in cases:
        yield await _try(command, case, patience)


class _Fault(Exception):
    """What a child did not do as it must."""


@dataclass(slots=True)
class _Talk:
    """One conversation with a child under test."""

    child: ChildProcess
    patience: float
    lines: asyncio.Queue[bytes | None] = field(default_factory=asyncio.Queue[bytes | None])
    said: list[str] = field(default_factory=list[str])
    met: Json = None
    """The id that was last met as "$id"."""

    def send(self, line: bytes) -> None:
        self.said.append(f"-> {_shorten(line)}")
        self.child.put(line)

    async def hear(self) -> bytes:
        try:
            async with asyncio.timeout(self.patience):
                line = await self.lines.get()
        except TimeoutError:
            raise _Fault(f"it said nothing for {self.patience:g} s") from None
        if line is None:
            raise _Fault("its output ended")
        self.said.append(f"<- {_shorten(line)}")
        return line


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


async def _take(talk: _Talk, step: Mapping[str, Json]) -> None:
    match step:
        case {"send": message}:
            filled = _fill({"jsonrpc": "2.0", **message}, talk.met)
            talk.send(orjson.dumps(filled, option=orjson.OPT_APPEND_NEWLINE))
        case {"send_raw": text}:
            talk.send(text.encode())
        case {"expect": pattern}:
            message = _read(await talk.hear())
            fault = _find_difference(_fill(pattern, None), message, "")
            if fault is not None:
                raise _Fault(f"{fault}; expected {_shorten(orjson.dumps(_fill(pattern, None)))}")
            if pattern.get("id") == "$id":
                talk.met = message["id"]
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


def _fill(value: Json, met: Json) -> Json:
    """What a case writes short, written out: {"$repeat": [text, times]}, and "$id" where one was met."""
    match value:
        case {"$repeat": [text, times]}:
            return text * times
        case dict():
            named = cast("dict[str, Json]", value)
            return {key: _fill(part, met) for key, part in named.items()}
        case list():
            return [_fill(part, met) for part in cast("list[Json]", value)]
        case "$id" if met is not None:
            return met
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

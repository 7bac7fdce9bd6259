"""The host's side of one conversation with one child: bytes in, events and bytes out. Pure: it does no I/O.

Each event is a value of a closed set; whoever does the I/O matches it. What a child says that breaks the protocol ends
in `Broken`, after which nothing more is to be said to it; the runs that were open are then in `open_runs`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import orjson
from pydantic import TypeAdapter, ValidationError

from tasker_ffi_bridge.integers import find_altered
from tasker_ffi_bridge.messages import (
    LONGEST_LINE,
    PROTOCOL,
    CancelReason,
    Checkpoint,
    ErrorCode,
    Execute,
    Failure,
    GiveUp,
    Initialized,
    Json,
    Log,
    Outcome,
    Progress,
    Retry,
    StartTask,
    explain,
    printable,
    read_initialized,
    read_outcome,
)

__all__ = [
    "Asked",
    "Broken",
    "Drained",
    "Ended",
    "Event",
    "GaveBack",
    "HostSession",
    "Logged",
    "Noticed",
    "Ponged",
    "Progressed",
    "Ready",
    "Send",
]


@dataclass(frozen=True, slots=True)
class Ready:
    """The child has answered `initialize`."""

    child: Initialized


@dataclass(frozen=True, slots=True)
class Ended:
    """A run came to this."""

    run: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class GaveBack:
    """The child would not run it: its step is to be given back, uncounted."""

    run: str
    why: str


@dataclass(frozen=True, slots=True)
class Asked:
    """The child wants something done, and an answer by `answer` or `refuse`."""

    id: str | int
    what: Checkpoint | StartTask


@dataclass(frozen=True, slots=True)
class Progressed:
    """A run has come so far."""

    progress: Progress


@dataclass(frozen=True, slots=True)
class Logged:
    """A line of the child's log."""

    log: Log


@dataclass(frozen=True, slots=True)
class Ponged:
    """The child is alive."""


@dataclass(frozen=True, slots=True)
class Drained:
    """The child has answered `shutdown`."""


@dataclass(frozen=True, slots=True)
class Send:
    """A line to be sent to the child: it has made a mistake that it can be told of."""

    line: bytes


@dataclass(frozen=True, slots=True)
class Noticed:
    """Something that the protocol lets pass, for the worker's log."""

    what: str


@dataclass(frozen=True, slots=True)
class Broken:
    """The child has broken the protocol: it is to be killed. `said`: how, for the log alone: it may be anybody's."""

    why: str
    said: str = ""


Event = (
    Ready
    | Ended
    | GaveBack
    | Asked
    | Progressed
    | Logged
    | Ponged
    | Drained
    | Send
    | Noticed
    | Broken
)

_NOTIFICATIONS: Mapping[str, TypeAdapter[Any]] = {
    "progress": TypeAdapter(Progress),
    "log": TypeAdapter(Log),
}
_TOO_LARGE = "is an integer beyond 64 bits; give it as a string"
_WAY_OUT = "standard output is for the protocol: print to standard error"
_MOST_UNKNOWN = 100  # methods that are remembered, so that each is told of once
_REQUESTS: Mapping[str, TypeAdapter[Any]] = {
    "checkpoint": TypeAdapter(Checkpoint),
    "start_task": TypeAdapter(StartTask),
}


@dataclass(slots=True)
class HostSession:
    """One conversation, from `initialize` to the child's end."""

    worker: str
    message_bytes: int = LONGEST_LINE
    child: Initialized | None = None
    open_runs: dict[str, int] = field(default_factory=dict[str, int])
    _calls: dict[int, tuple[str, str]] = field(default_factory=dict[int, tuple[str, str]])
    _asked: set[str | int] = field(default_factory=set[str | int])
    _unknown: set[str] = field(default_factory=set[str])
    _last: int = 0

    def initialize(self) -> bytes:
        """The first line to send."""
        limits = {"message_bytes": self.message_bytes}
        params = {"protocol": [PROTOCOL], "worker": self.worker, "limits": limits}
        return self._call("initialize", "", params)

    def execute(self, execute: Execute) -> bytes:
        """Start a run. Raises ValueError when it makes no line, or one above the limit: the step can never run here."""
        run = execute["run"]
        try:
            line = self._call("execute", run, execute)
        except TypeError as error:  # nested too deep, most of all
            raise ValueError(f"what the step is given makes no message: {error}") from None
        if len(line) > self.message_bytes:
            del self._calls[self._last]
            raise ValueError(
                f"what the step is given makes a message of {len(line):,} bytes; {self.message_bytes:,} is the most"
            )
        self.open_runs[run] = self._last
        return line

    def cancel(self, run: str, reason: CancelReason) -> bytes:
        """Ask a run to stop. It still ends with an `Ended`."""
        return _line({"method": "cancel", "params": {"run": run, "reason": reason}})

    def ping(self) -> bytes:
        """Ask whether the child is alive."""
        return self._call("ping", "", {})

    def shutdown(self, grace: float) -> bytes:
        """Ask the child to end what it runs, within so many seconds, and leave."""
        return self._call("shutdown", "", {"grace": grace})

    def answer(self, id: str | int, result: Json) -> bytes:
        """Answer what was asked."""
        self._asked.discard(id)
        return _line({"id": id, "result": result})

    def refuse(self, id: str | int, code: int, message: str) -> bytes:
        """Say that what was asked for cannot be done: BAD_PARAMS says never, FAILED not now."""
        self._asked.discard(id)
        return _error(id, code, message)

    def receive(self, line: bytes) -> Event | None:
        """What a line from the child says, its line feed left out or not; None for nothing that matters."""
        if len(line) > self.message_bytes:
            return Broken(f"a line of {len(line):,} bytes; {self.message_bytes:,} is the most")
        try:
            message = orjson.loads(line)
        except orjson.JSONDecodeError:
            return (
                Broken(f"a line that is no JSON; {_WAY_OUT}", _quote(line))
                if line.strip()
                else None
            )
        fault = _find_fault(message)
        if fault is not None:
            return Broken(fault, _quote(line))
        if "method" in message:
            return self._hear(message, line)
        return self._take_answer(message, line)

    def _call(self, method: str, run: str, params: Mapping[str, Json]) -> bytes:
        line = _line({"id": self._last + 1, "method": method, "params": params})
        self._last += 1
        self._calls[self._last] = (method, run)
        return line

    def _hear(self, message: dict[str, Json], line: bytes) -> Event | None:
        """A request or a notification of the child's."""
        method, params = message["method"], message.get("params")
        if self.child is None:
            return Broken(f"{method} before initialize was answered")
        if "id" in message:
            return self._take_request(message["id"], method, params, line)
        return self._take_notification(method, params)

    def _take_request(self, id: str | int, method: str, params: Json, line: bytes) -> Event:
        kind = _REQUESTS.get(method)
        if kind is None:
            return Send(_error(id, ErrorCode.NO_METHOD, f"there is no method {_clip(method)}"))
        if id in self._asked:
            return Send(_error(id, ErrorCode.BAD_MESSAGE, f"request {id} is open already"))
        try:
            what = kind.validate_python(params)
        except ValidationError as error:
            return Send(_error(id, ErrorCode.BAD_PARAMS, explain(error)))
        if what.run not in self.open_runs:
            return Send(_error(id, ErrorCode.NO_RUN, f"run {what.run} is not open"))
        if (where := find_altered(line, "params")) is not None:
            return Send(_error(id, ErrorCode.BAD_PARAMS, f"{where} {_TOO_LARGE}"))
        self._asked.add(id)
        return Asked(id, what)

    def _take_notification(self, method: str, params: Json) -> Event | None:
        kind = _NOTIFICATIONS.get(method)
        if kind is None:
            if method in self._unknown or len(self._unknown) >= _MOST_UNKNOWN:
                return None
            self._unknown.add(method)
            return Noticed(f"notifications of {_clip(method)} are not known, and ignored")
        try:
            what = kind.validate_python(params)
        except ValidationError as error:
            return Noticed(f"a {method} that cannot be used: {explain(error)}")
        match what:
            case Progress() if what.run in self.open_runs:
                return Progressed(what)
            case Log():
                return Logged(what)
            case _:
                return None  # progress of a run that has just ended

    def _take_answer(self, message: dict[str, Json], line: bytes) -> Event:
        id = message.get("id")
        call = self._calls.pop(id, None) if isinstance(id, int) else None
        if call is None:
            return Noticed(f"an answer to request {_clip(str(id))}, which is not open")
        method, run = call
        error = cast("dict[str, Json] | None", message.get("error"))
        match method:
            case "execute":
                del self.open_runs[run]
                return _end(run, message, error, line)
            case "initialize":
                return self._begin(message, error)
            case "ping":
                return Ponged()
            case _:
                return Drained()

    def _begin(self, message: dict[str, Json], error: dict[str, Json] | None) -> Event:
        if error is not None:
            return Broken(f"it refused to begin: {printable(error['message'])}")
        try:
            child = read_initialized(message["result"])
        except ValueError as fault:
            return Broken(f"its answer to initialize: {fault}")
        if child.protocol != PROTOCOL:
            return Broken(
                f"it wants to speak protocol {child.protocol}; this host speaks {PROTOCOL}"
            )
        self.child = child
        return Ready(child)


def _end(run: str, message: dict[str, Json], error: dict[str, Json] | None, line: bytes) -> Event:
    if error is not None:
        why = printable(error["message"])
        if error["code"] in (ErrorCode.NO_METHOD, ErrorCode.TOO_MANY):
            return GaveBack(run, why)
        return Ended(run, Retry("retry", Failure(why, "BridgeError")))
    if (where := find_altered(line, "result")) is not None:
        kinds = ("ContractError", "PermanentError")
        return Ended(
            run, GiveUp("error", Failure(f"the answer: {where} {_TOO_LARGE}", kinds[0], kinds))
        )
    try:
        return Ended(run, read_outcome(message["result"]))
    except ValueError as fault:
        return Ended(
            run, Retry("retry", Failure(f"the answer is no outcome: {fault}", "BridgeError"))
        )


def _find_fault(message: Json) -> str | None:
    """What keeps a JSON value from being a JSON-RPC message; None when it is one."""
    if not isinstance(message, dict):
        return f"a line that is no JSON object; {_WAY_OUT}"
    given = cast("dict[str, Json]", message)
    if given.get("jsonrpc") != "2.0":
        return 'a message without "jsonrpc": "2.0"'
    has_id = isinstance(given.get("id"), str | int) and not isinstance(given.get("id"), bool)
    if "method" in given:
        if not isinstance(given["method"], str):
            return "a method that is no text"
        return (
            None if has_id or "id" not in given else "a request whose id is no text and no number"
        )
    nameless = "id" in given and given["id"] is None and "error" in given
    if not has_id and not nameless:
        return "a message with neither a method nor an id"
    if ("result" in given) == ("error" in given):
        return "an answer that has not exactly one of result and error"
    error = given.get("error")
    if "error" in given and not (
        isinstance(error, dict)
        and isinstance(error.get("code"), int)  # pyright: ignore[reportUnknownMemberType]
        and isinstance(error.get("message"), str)  # pyright: ignore[reportUnknownMemberType]
    ):
        return "an error without a code and a message"
    return None


def _error(id: str | int, code: int, message: str) -> bytes:
    return _line({"id": id, "error": {"code": code, "message": message}})


def _line(message: dict[str, Json]) -> bytes:
    return orjson.dumps({"jsonrpc": "2.0", **message}, option=orjson.OPT_APPEND_NEWLINE)


def _quote(line: bytes) -> str:
    return repr(_clip(line.decode(errors="replace").strip()))


def _clip(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:200]}…"

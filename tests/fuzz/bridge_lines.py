"""Lines for a child of the bridge, good and bad, each with what is owed for it. Pure: all chance comes from the Random
that is handed in.
"""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.fuzz import hostile

from tasker_ffi_bridge.messages import ErrorCode

Json = Any
LIMIT = 50_000
"""The longest line that the child was told of, in bytes, its line feed included."""

EXECUTE: Mapping[str, Json] = {
    "run": "r", "handler": "echo",
    "task": {"id": "t", "namespace": "n", "template": "f", "version": "1", "input": None, "context": {},
             "correlation_id": None, "tags": []},
    "step": {"name": "s", "number": 1, "kind": "standard", "config": {}, "attempt": 1, "max_attempts": 3,
             "idempotency_key": "t:1", "deadline": None},
    "results": {}, "saved": {}, "undoes": None, "trace": None,
}  # fmt: skip
TEXTS = (
    "",
    " ",
    "a",
    "é✓",
    "\U0001f4a3",
    "\u2028",
    "\x1b[31m",
    "\r",
    "\\",
    '"',
    "x" * 3000,
    "null",
    "\ufeff",
)
TORN = (b"{", b"nul", b"{'a': 1}", b'{"a":}', b"[1,", b"NaN", b"[Infinity]", b"\xff\xfe", b'{"a":"\xc3"}',
        b'{"a":"\xed\xa0\xbd"}', b'{"a":"\\ud83d"}', b'{"\\udca9":1}', b'["\\uD83D\\u0041"]', b"[" * 1001 + b"]" * 1001,
        b'{"a":' * 3000 + b"1" + b"}" * 3000, b"{} {}", b"01", b"\x00", b"[1]]", b'{"a":"\t"}')  # fmt: skip
NO_MESSAGES: Sequence[Json] = (
    [], [1, 2], "x", 5, None, True, {}, {"jsonrpc": "2.0"}, {"jsonrpc": "1.0", "method": "x"}, {"method": "x"},
    {"jsonrpc": 2.0, "method": "x"}, {"jsonrpc": "2.0", "method": 5}, {"jsonrpc": "2.0", "method": None},
    *({"jsonrpc": "2.0", "id": id, "method": "ping"} for id in (None, 1.5, True, [], {})),
    *({"jsonrpc": "2.0", "id": id, "result": 1} for id in (None, 0.5, False, [1])),
    {"jsonrpc": "2.0", "id": 3, "result": 1, "error": {"code": 1, "message": "m"}},
    {"jsonrpc": "2.0", "id": None, "result": 1, "error": {"code": 1, "message": "m"}},
    {"jsonrpc": "2.0", "id": 3, "error": 5}, {"jsonrpc": "2.0", "id": 3, "error": {"code": "x", "message": "m"}},
    [[]] * 900,
)  # fmt: skip
UNHEARD: Sequence[Json] = (
    {"method": "dance"}, {"method": "dance", "params": [1]}, {"method": "", "params": {}}, {"method": "ping"},
    {"method": "cancel"}, {"method": "cancel", "params": 5}, {"method": "cancel", "params": {"run": "nobody"}},
    {"method": "cancel", "params": {"run": [1], "reason": 5}}, {"method": "cancel", "params": {}},
    {"method": "initialize", "params": {}}, {"method": "execute", "params": {}}, {"method": "shutdown", "params": {}},
    {"id": 987_654_321, "result": {}}, {"id": -1, "result": None}, {"id": "x", "error": {"code": 1, "message": "m"}},
    {"id": None, "error": {"code": -32700, "message": "no JSON"}}, {"id": "", "result": {"saved": True}},
)  # fmt: skip
MISFITS: Mapping[str, Sequence[Json]] = {
    "run": (None, 5, [], {}), "handler": (None, 5, []), "task": (None, "t", 5, []), "step": (None, [], True),
    "results": (None, [], 1), "saved": (None, [], "x"),
}  # fmt: skip


@dataclass
class Said:
    """Bytes to send, and what is owed for them: errors by id and code, results by id; and up to `loose` more messages,
    for lines of which nobody can tell.
    """

    line: bytes = b""
    errors: Counter[tuple[Json, int]] = field(default_factory=Counter[tuple[Json, int]])
    results: dict[Json, Callable[[Json], bool]] = field(
        default_factory=dict[Json, Callable[[Json], bool]]
    )
    loose: int = 0

    def add(self, other: Said) -> None:
        """Say another thing, behind this one."""
        self.line += other.line
        self.errors += other.errors
        self.results |= other.results
        self.loose += other.loose


def encode(message: Json) -> bytes:
    """A line."""
    return json.dumps(message, ensure_ascii=False).encode() + b"\n"


def request(id: Json, method: str, params: Json = None) -> bytes:
    """A request's line."""
    message: Json = {"jsonrpc": "2.0", "id": id, "method": method}
    return encode(message if params is None else {**message, "params": params})


def execute(run: str, handler: str = "echo", input: Json = None) -> Json:
    """The params of an execute."""
    return {**EXECUTE, "run": run, "handler": handler, "task": {**EXECUTE["task"], "input": input}}


def outcome(**owed: Json) -> Callable[[Json], bool]:
    """Whether an outcome has these parts."""
    return lambda given: isinstance(given, dict) and owed.items() <= given.items()


def plain(random: Random, depth: int = 3) -> Json:
    """JSON that every language has as it is."""
    kinds = 5 if depth == 0 else 8
    match random.randrange(kinds):
        case 0 | 1:
            return random.choice((None, True, False, 0, 1, -7, 2**53, -(2**53), 0.5, -1.25e-7))
        case 2 | 3 | 4:
            return random.choice(TEXTS)
        case 5 | 6:
            return [plain(random, depth - 1) for _ in range(random.randrange(4))]
        case _:
            return {
                random.choice(TEXTS): plain(random, depth - 1) for _ in range(random.randrange(4))
            }


def draw(random: Random, numbers: Iterator[int]) -> Said:
    """Something to say to a child that has the handlers of the conformance kit, and is ready."""
    number = next(numbers)
    id = random.choice((number, f"id {number}"))
    return random.choice(_KINDS)(random, id, f"run {number}")


def _torn(random: Random, id: Json, run: str) -> Said:
    whole = request(id, "execute", execute(run, input=plain(random)))
    line = (
        random.choice(TORN) if random.randrange(2) else whole[: random.randrange(1, len(whole) - 1)]
    )
    return Said(line + random.choice((b"\n", b"\r\n")), Counter({(None, ErrorCode.NO_JSON): 1}))


def _no_message(random: Random, id: Json, run: str) -> Said:
    if random.randrange(3) == 0:  # a request whose id can be read
        bad = random.choice(({"jsonrpc": "1.0", "method": "ping"}, {"jsonrpc": "2.0", "method": 5}))
        return Said(encode({**bad, "id": id}), Counter({(id, ErrorCode.BAD_MESSAGE): 1}))
    return Said(encode(random.choice(NO_MESSAGES)), Counter({(None, ErrorCode.BAD_MESSAGE): 1}))


def _unheard(random: Random, id: Json, run: str) -> Said:
    if random.randrange(4) == 0:
        return Said(random.choice((b"\n", b"\r\n", b"\n\n\n")))
    return Said(encode({"jsonrpc": "2.0", **random.choice(UNHEARD)}))


def _unknown(random: Random, id: Json, run: str) -> Said:
    method = random.choice(("dance", "", "Ping", "checkpoint", "progress", "x" * 2000))
    return Said(
        request(id, method, random.choice((None, {}))), Counter({(id, ErrorCode.NO_METHOD): 1})
    )


def _misfit(random: Random, id: Json, run: str) -> Said:
    params = copy.deepcopy(execute(run))
    name = random.choice(list(MISFITS))
    if random.randrange(2):
        del params[name]
    else:
        params[name] = random.choice(MISFITS[name])
    params = random.choice((params, params, params, [params], 5, "x"))
    return Said(request(id, "execute", params), Counter({(id, ErrorCode.BAD_PARAMS): 1}))


def _no_handler(random: Random, id: Json, run: str) -> Said:
    params = execute(run, random.choice(("no_such", "", "toString", "__proto__", "x" * 3000)))
    return Said(request(id, "execute", params), Counter({(id, ErrorCode.NO_METHOD): 1}))


def _again(random: Random, id: Json, run: str) -> Said:
    params = {"protocol": random.choice((["1.0"], ["9.9"], [])), "limits": {"message_bytes": 10}}
    return Said(request(id, "initialize", params), Counter({(id, ErrorCode.BAD_MESSAGE): 1}))


def _echo(random: Random, id: Json, run: str) -> Said:
    given = plain(random)
    line = request(id, "execute", execute(run, input=given))
    return Said(line, results={id: lambda came: came == {"outcome": "complete", "result": given}})


def _ping(random: Random, id: Json, run: str) -> Said:
    return Said(
        request(id, "ping", random.choice((None, {}))), results={id: lambda came: came == {}}
    )


def _open_already(random: Random, id: Json, run: str) -> Said:
    """A run that goes on whatever is said of it, until it is cancelled."""
    other = f"{id} again"
    lines = [
        request(id, random.choice(("ping", "execute", "dance")), execute(f"{run} again")),
        request(other, "execute", execute(run)),
    ]
    random.shuffle(lines)
    cancel = encode(
        {"jsonrpc": "2.0", "method": "cancel", "params": {"run": run, "reason": "cancelled"}}
    )
    begin = request(id, "execute", execute(run, "hang"))
    owed = Counter({(id, ErrorCode.BAD_MESSAGE): 1, (other, ErrorCode.BAD_MESSAGE): 1})
    return Said(begin + b"".join(lines) + cancel, owed, {id: outcome()})


def _too_long(random: Random, id: Json, run: str) -> Said:
    size = random.choice((0, 1, 5000, 3 * LIMIT))
    line = request(id, "ping", {"x": ""})
    line = line.replace(b'""', b'"' + b"x" * (LIMIT - len(line) + size) + b'"')
    if size == 0:
        return Said(line, results={id: lambda came: came == {}})
    return Said(line, Counter({(None, ErrorCode.TOO_LONG): 1}))


def _failing(random: Random, id: Json, run: str) -> Said:
    handler, owed = random.choice((("retry", "retry"), ("give_up", "error"), ("crash", "retry")))
    return Said(request(id, "execute", execute(run, handler)), results={id: outcome(outcome=owed)})


def _asking(random: Random, id: Json, run: str) -> Said:
    """Whoever talks with the child answers what the run asks for, as `answers` says."""
    return Said(request(id, "execute", execute(run, "remember")), results={id: outcome()})


def _noise(random: Random, id: Json, run: str) -> Said:
    good: Json = {"jsonrpc": "2.0", "id": id, "method": "execute", "params": execute(run)}
    wrong = hostile.value(random) if random.randrange(4) == 0 else hostile.mutated(random, good)
    line = json.dumps(wrong).encode()
    return Said(line + b"\n", loose=1)


_KINDS = (_torn, _torn, _no_message, _unheard, _unknown, _misfit, _no_handler, _again, _echo, _echo, _ping,
          _open_already, _too_long, _failing, _asking, _noise, _noise)  # fmt: skip


def answers(random: Random, id: Json) -> tuple[list[Json], str | None]:
    """What to answer a checkpoint, line by line, and the outcome that its run then has; None when any will do."""
    good = {"id": id, "result": {"saved": True}}
    wrong, owed = random.choice(
        (
            ({"result": {"saved": False}}, "retry"),
            ({"result": {}}, "retry"),
            ({"result": None}, None),
            ({"result": [1]}, None),
            ({"result": {"saved": "yes"}}, None),
            ({"error": {"code": ErrorCode.BAD_PARAMS, "message": "never"}}, "error"),
            ({"error": {"code": ErrorCode.FAILED, "message": "not now"}}, "retry"),
        )
    )
    stray = {"id": f"{id}", "result": {"saved": False}}
    return random.choice(
        (
            ([good], "complete"),
            ([good, {"id": id, **wrong}], "complete"),  # the second is an answer to nothing
            (
                [stray, good],
                "complete",
            ),  # an id that is a text is not the number that it looks like
            ([{"id": id, **wrong}], owed),
        )
    )

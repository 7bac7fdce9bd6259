"""The host's side of the protocol, without a child: lines in, events and lines out."""

from __future__ import annotations

import time
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.bridge.support import execute

from tasker_ffi_bridge import host
from tasker_ffi_bridge.host import HostSession
from tasker_ffi_bridge.messages import Cancelled, Complete, Failure, GiveUp, Retry, Wait

READY = {"protocol": "1.0", "concurrency": 3, "handlers": [{"name": "echo"}]}


def line(**message: Any) -> bytes:
    return orjson.dumps({"jsonrpc": "2.0", **message}) + b"\n"


def begun() -> HostSession:
    session = HostSession("w")
    assert orjson.loads(session.initialize())["method"] == "initialize"
    event = session.receive(line(id=1, result=READY))
    assert isinstance(event, host.Ready)
    return session


def running() -> tuple[HostSession, str, int]:
    session = begun()
    run = execute("echo")
    sent = orjson.loads(session.execute(run))
    return session, run["run"], sent["id"]


def test_a_run_comes_to_its_outcome_once() -> None:
    session, run, id = running()
    answer = line(id=id, result={"outcome": "complete", "result": [1], "more": True})
    assert session.receive(answer) == host.Ended(run, Complete("complete", [1]))
    assert session.open_runs == {}
    again = session.receive(answer)
    assert isinstance(again, host.Noticed)


OUTCOMES: list[tuple[dict[str, Any], type]] = [
    ({"outcome": "complete", "result": None, "expansion": [{"step": "a"}]}, Complete),
    ({"outcome": "retry", "error": {"message": "m"}, "delay": 1.5}, Retry),
    (
        {
            "outcome": "error",
            "error": {"message": "m", "type": "T", "kinds": ["T"], "traceback": "…"},
        },
        GiveUp,
    ),
    ({"outcome": "wait", "wait": {"name": "sleep:1", "seconds": 3}}, Wait),
    (
        {"outcome": "wait", "wait": {"name": "ask:x", "approval": {"name": "x", "who": ["ann"]}}},
        Wait,
    ),
    ({"outcome": "cancelled"}, Cancelled),
]


@pytest.mark.parametrize(("said", "kind"), OUTCOMES, ids=[str(said) for said, _ in OUTCOMES])
def test_every_outcome_is_read(said: dict[str, Any], kind: type) -> None:
    session, _, id = running()
    event = session.receive(line(id=id, result=said))
    assert isinstance(event, host.Ended) and isinstance(event.outcome, kind)


@pytest.mark.parametrize(
    "said",
    [
        None,
        7,
        {},
        {"outcome": "done"},
        {"outcome": "retry"},
        {"outcome": "retry", "error": {"message": "m"}, "delay": -1},
        {"outcome": "complete"},
        {"outcome": "wait", "wait": {"name": ""}},
        {"outcome": "complete", "result": 1, "expansion": "many"},
    ],
)
def test_what_is_no_outcome_is_a_failed_attempt(said: Any) -> None:
    session, run, id = running()
    event = session.receive(line(id=id, result=said))
    assert isinstance(event, host.Ended) and event.run == run
    assert isinstance(event.outcome, Retry) and event.outcome.error.type == "BridgeError"


@pytest.mark.parametrize(("code", "given_back"), [(-32601, True), (-32002, True), (-32603, False)])
def test_an_error_gives_the_step_back_or_is_a_failed_attempt(code: int, given_back: bool) -> None:
    session, run, id = running()
    event = session.receive(line(id=id, error={"code": code, "message": "no"}))
    match event:
        case host.GaveBack(of, why):
            assert (of, why, given_back) == (run, "no", True)
        case host.Ended(of, Retry(error=failure)):
            assert (of, failure.message, given_back) == (run, "no", False)
        case _:
            pytest.fail(str(event))


BROKEN = {
    "no JSON": b"hello\n",
    "no object": b"[1]\n",
    "no version": b'{"id":1,"result":{}}\n',
    "nothing in it": line(),
    "method is no text": line(method=1),
    "id is no id": line(id=[1], method="checkpoint"),
    "id is true": line(id=True, result={}),
    "both": line(id=1, result={}, error={"code": 1, "message": ""}),
    "neither": line(id=1),
    "error without code": line(id=1, error={"message": "m"}),
    "not UTF-8": b'{"jsonrpc":"2.0","method":"\xff"}\n',
}


@pytest.mark.parametrize("said", BROKEN.values(), ids=BROKEN)
def test_a_broken_line_ends_the_child(said: bytes) -> None:
    event = begun().receive(said)
    assert isinstance(event, host.Broken)


def test_a_line_above_the_limit_ends_the_child_and_is_never_sent() -> None:
    session = HostSession("w", message_bytes=1000)
    session.initialize()
    session.receive(line(id=1, result=READY))
    with pytest.raises(ValueError, match="1,000 is the most"):
        session.execute(execute("echo", "x" * 1000))
    assert session.open_runs == {}
    event = session.receive(line(method="log", params={"message": "x" * 1000}))
    assert isinstance(event, host.Broken)


@pytest.mark.parametrize(
    "result",
    [
        {**READY, "protocol": "2.0"},
        {**READY, "concurrency": 0},
        {**READY, "concurrency": 1.5},
        {**READY, "handlers": [{"name": "a"}, {"name": "a"}]},
        {**READY, "handlers": [{"name": ""}]},
        {**READY, "handlers": None},
        {**READY, "handlers": []},
        [],
    ],
)
def test_a_child_that_says_nonsense_of_itself_is_not_used(result: Any) -> None:
    session = HostSession("w")
    session.initialize()
    event = session.receive(line(id=1, result=result))
    assert isinstance(event, host.Broken)


def test_a_handler_that_no_template_can_call_is_told_by_its_name() -> None:
    session = HostSession("w")
    session.initialize()
    event = session.receive(line(id=1, result={**READY, "handlers": [{"name": "a\0b"}]}))
    assert isinstance(event, host.Broken) and r"'a\x00b' holds a NUL" in event.why


def test_many_handlers_are_read_in_no_time() -> None:
    session = HostSession("w")
    session.initialize()
    many = [{"name": f"h{n}"} for n in range(20_000)]
    began = time.process_time()
    assert isinstance(session.receive(line(id=1, result={**READY, "handlers": many})), host.Ready)
    assert time.process_time() - began < 1  # twelve when each name is counted


def raw(text: str) -> bytes:
    return b'{"jsonrpc":"2.0",' + text.encode() + b"}\n"


@pytest.mark.parametrize(
    ("number", "kept"),
    [
        ("123456789012345678901234567890", None),
        ("-9223372036854775809", None),
        ("1" * 300, None),
        ("18446744073709551615", 2**64 - 1),
        ("100000000000000000000", 1e20),  # as JavaScript writes it
        ("1.00000000000000000001", 1.0),
        ('"123456789012345678901234567890"', "123456789012345678901234567890"),
    ],
)
def test_an_integer_that_would_become_another_number_is_refused(number: str, kept: Any) -> None:
    session, run, id = running()
    params = f'{{"run":"{run}","name":"run:x","value":[{number}]}}'
    asked = session.receive(raw(f'"id":7,"method":"checkpoint","params":{params}'))
    outcome = f'{{"outcome":"complete","result":{{"a":[0,{number}]}}}}'
    ended = session.receive(raw(f'"id":{id},"result":{outcome}'))
    assert isinstance(ended, host.Ended)
    if kept is not None:
        assert isinstance(asked, host.Asked)
        assert ended.outcome == Complete("complete", {"a": [0, kept]})
        return
    assert isinstance(asked, host.Send)
    error = orjson.loads(asked.line)["error"]
    assert error["code"] == -32602 and "$.value[0] is an integer beyond 64 bits" in error["message"]
    assert isinstance(ended.outcome, GiveUp) and ended.outcome.error.type == "ContractError"
    assert "$.result.a[1] is an integer beyond 64 bits" in ended.outcome.error.message


def test_what_people_read_has_no_control_characters() -> None:
    session, _, id = running()
    text, shown = "\x1b[31mred\x9b\r\n\tnext", "\\x1b[31mred\\x9b\\x0d\n\tnext"
    logged = session.receive(line(method="log", params={"level": "error", "message": text}))
    assert isinstance(logged, host.Logged) and logged.log.message == shown
    error = {"message": text, "type": text, "kinds": [text], "traceback": text}
    ended = session.receive(line(id=id, result={"outcome": "error", "error": error}))
    assert isinstance(ended, host.Ended)
    assert ended.outcome == GiveUp("error", Failure(shown, shown, (shown,), shown))


def test_nothing_comes_before_initialize_is_answered() -> None:
    session = HostSession("w")
    session.initialize()
    event = session.receive(line(method="progress", params={}))
    assert isinstance(event, host.Broken)


def test_requests_are_asked_once_and_answered_by_their_id() -> None:
    session, run, _ = running()
    asking = line(id="a", method="checkpoint", params={"run": run, "name": "run:x", "value": 1})
    event = session.receive(asking)
    assert isinstance(event, host.Asked) and event.id == "a"
    again = session.receive(asking)
    assert isinstance(again, host.Send) and orjson.loads(again.line)["error"]["code"] == -32600
    assert orjson.loads(session.answer("a", {"saved": True})) == {
        "jsonrpc": "2.0",
        "id": "a",
        "result": {"saved": True},
    }
    event = session.receive(asking)
    assert isinstance(event, host.Asked)


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("dance", {}, -32601),
        ("checkpoint", {"name": "x", "value": 1}, -32602),
        ("checkpoint", None, -32602),
        ("checkpoint", {"run": "nobody", "name": "x", "value": 1}, -32004),
        ("checkpoint", {"run": "nobody", "name": "x\0", "value": 1}, -32602),
        ("start_task", {"run": "nobody", "name": "x\0", "template": "a/b"}, -32602),
        (
            "start_task",
            {"run": "nobody", "name": "x", "template": "a/b", "priority": "urgent"},
            -32602,
        ),
    ],
)
def test_a_mistaken_request_is_refused_and_the_child_lives(
    method: str, params: Any, code: int
) -> None:
    session, _, _ = running()
    event = session.receive(line(id=9, method=method, params=params))
    assert isinstance(event, host.Send)
    assert orjson.loads(event.line)["error"]["code"] == code


def test_unknown_notifications_are_noticed_once() -> None:
    session = begun()
    heard = [session.receive(line(method="dance")) for _ in range(3)]
    assert [type(event) for event in heard] == [host.Noticed, type(None), type(None)]


def _dump(value: Any) -> bytes:
    try:
        return orjson.dumps({"jsonrpc": "2.0", **value} if isinstance(value, dict) else value)
    except orjson.JSONEncodeError:
        return b""


FIELDS = st.sampled_from(["jsonrpc", "id", "method", "params", "result", "error", "code", "run"])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.sampled_from(["2.0", "checkpoint", "progress", "log", "execute", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=4),
    max_leaves=8,
)


@given(st.lists(st.binary(max_size=200) | VALUES.map(_dump), max_size=5))
def test_no_line_whatever_raises(lines: list[bytes]) -> None:
    session, _, _ = running()
    for said in lines:
        event = session.receive(said)
        assert event is None or isinstance(event, host.Event)
        if isinstance(event, host.Broken):
            return

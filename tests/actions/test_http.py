"""Reading over HTTP, from a server that behaves, and from one that does not."""

import gzip
import json
import tracemalloc
import zlib
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import anyio.to_thread
import pytest
from anyio.abc import SocketStream
from tests.actions.web_server import Asked, Respond, WebServer, always, answer, serve

from tasker.actions.http import acquire
from tasker.actions.secrets import SecretError, Sensitive
from tasker.actions.web import Web
from tasker_grammar.resources import Endpoint
from tasker_grammar.world import ActionFailed

pytestmark = pytest.mark.anyio
PATIENCE = 20.0


def secrets(name: str) -> Sensitive:
    if name != "token":
        raise SecretError(f"there is no secret {name}")
    return Sensitive("hunter2")


def endpoint(server: WebServer, **fields: Any) -> Endpoint:
    given = {"base_url": server.url, "private_hosts": [server.host]} | fields
    return Endpoint.model_validate(given)


async def read(server: WebServer, params: dict[str, Any] | None = None, **fields: Any) -> Any:
    with anyio.fail_after(PATIENCE):
        async with Web() as web:
            about = endpoint(server, **fields)
            return await acquire(web, about, params or {}, secrets, anyio.to_thread.run_sync)


async def failure(respond: Respond, **fields: Any) -> ActionFailed:
    async with serve(respond) as server:
        with pytest.raises(ActionFailed) as raised:
            await read(server, **fields)
    return raised.value


# What is sent


async def test_parameters_fill_the_path_and_the_query() -> None:
    async with serve(always(answer('{"ok": true}'))) as server:
        params = {"id": "a/b c", "n": 2.0, "on": True, "tags": ["x&y", "ü"], "none": None, "f": 0.5}
        got = await read(server, params, path="/orders/{id}/lines")
        assert got == {"ok": True}
    [asked] = server.asked
    assert asked.target == "/orders/a%2Fb%20c/lines?n=2&on=true&tags=x%26y&tags=%C3%BC&f=0.5"
    assert asked.headers["host"] == server.host
    assert asked.headers["accept-encoding"] == "gzip"


@pytest.mark.parametrize(
    "value", ["", ".", "..", "../admin", "a/../b", "..\\b", "a//b", "x\ny", None, [1], {}]
)
async def test_no_parameter_leads_out_of_its_segment(value: Any) -> None:
    async with serve(always(answer("1"))) as server:
        with pytest.raises(ActionFailed) as raised:
            await read(server, {"id": value}, path="/orders/{id}")
        assert raised.value.code == "PARAMS_INVALID"
        assert not server.asked


async def test_the_base_has_a_path_and_headers_have_secrets() -> None:
    async with serve(always(answer("1"))) as server:
        headers = {"Authorization": {"$secret": "token"}, "X-Shop": "7"}
        await read(server, base_url=server.url + "/v1/", path="/orders", headers=headers)
    [asked] = server.asked
    assert asked.target == "/v1/orders"
    assert (asked.headers["authorization"], asked.headers["x-shop"]) == ("hunter2", "7")


async def test_a_secret_that_would_make_a_second_header_is_not_sent() -> None:
    async with serve(always(answer("1"))) as server, Web() as web:
        one = endpoint(server, headers={"Authorization": {"$secret": "token"}})
        with pytest.raises(ActionFailed) as raised:
            await acquire(
                web, one, {}, lambda _: Sensitive("a\r\nX-Evil: 1"), anyio.to_thread.run_sync
            )
    assert (raised.value.code, raised.value.retryable) == ("RESOURCE_UNAVAILABLE", False)
    assert "Evil" not in str(raised.value)
    assert not server.asked


async def test_a_secret_that_is_not_there_may_come() -> None:
    failed = await failure(always(answer("1")), headers={"A": {"$secret": "other"}})
    assert (failed.code, failed.retryable) == ("RESOURCE_UNAVAILABLE", True)
    assert "other" in str(failed)


async def test_connections_are_kept_and_cookies_are_not() -> None:
    async with serve(always(answer("1", set_cookie="a=b; Path=/"))) as server, Web() as web:
        for _ in range(3):
            await acquire(web, endpoint(server), {}, secrets, anyio.to_thread.run_sync)
    assert server.connections == 1
    assert all("cookie" not in asked.headers for asked in server.asked)


async def test_many_at_once() -> None:
    async def echo(asked: Asked, _: SocketStream) -> bytes:
        return answer(json.dumps(asked.target))

    got: dict[int, Any] = {}
    async with serve(echo) as server, Web() as web, anyio.create_task_group() as tasks:

        async def one(n: int) -> None:
            got[n] = await acquire(
                web, endpoint(server), {"n": n}, secrets, anyio.to_thread.run_sync
            )

        for n in range(50):
            tasks.start_soon(one, n)
        with anyio.fail_after(PATIENCE):
            while len(got) < 50:
                await anyio.lowlevel.checkpoint()
        tasks.cancel_scope.cancel()
    assert got == {n: f"/?n={n}" for n in range(50)}


async def test_who_waits_for_a_turn_is_not_out_of_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasker.actions.web._MOST_CONNECTIONS", 2)

    async def slow(_: Asked, __: SocketStream) -> bytes:
        await anyio.sleep(0.3)
        return answer("1")

    got: list[Any] = []
    with anyio.fail_after(PATIENCE):
        async with serve(slow) as server, Web() as web, anyio.create_task_group() as tasks:

            async def one() -> None:
                got.append(
                    await acquire(
                        web, endpoint(server, timeout=1), {}, secrets, anyio.to_thread.run_sync
                    )
                )
                if len(got) == 12:
                    tasks.cancel_scope.cancel()

            for _ in range(12):
                tasks.start_soon(one)
    assert got == [1] * 12


# What comes back


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"a": 1, "a": 2}', "key twice"),
        ('{"a": NaN}', "NaN"),
        ("[Infinity]", "NaN or an infinity"),
        ("1e999", "too large"),
        ("123456789012345678901", "64 bits"),
        (r'"\ud800"', "surrogate"),
        (r'{"\u0000": 1}', "NUL"),
        ("[" * 65 + "]" * 65, "deep"),
        ("[" * 100_000 + "]" * 100_000, "deep"),
        ("{", "Expecting"),
        ("1 2", "Extra data"),
        (b"\xff", "UTF-8"),
        ("<html>", "Expecting"),
    ],
)
async def test_json_that_cannot_be_kept(body: str | bytes, said: str) -> None:
    failed = await failure(always(answer(body)))
    assert (failed.code, failed.retryable) == ("RESULT_INVALID", False)
    assert said in str(failed)


async def test_what_is_no_json_says_what_it_is() -> None:
    failed = await failure(always(answer("<html>", content_type="text/html; charset=utf-8")))
    assert "text/html" in str(failed)


async def test_a_mark_a_gzip_and_nothing_are_read() -> None:
    async with serve(always(answer(b"\xef\xbb\xbf[1]"))) as server:
        assert await read(server) == [1]
    async with serve(always(answer(gzip.compress(b'"x"'), content_encoding="gzip"))) as server:
        assert await read(server) == "x"
    async with serve(always(answer(status=204))) as server:
        assert await read(server) is None
    async with serve(always(answer(content_length="5"))) as server:
        assert await read(server, method="HEAD") is None


async def test_a_gzip_bomb_is_left_at_the_cap() -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    assert len(bomb) < 60_000
    tracemalloc.start()
    try:
        failed = await failure(always(answer(bomb, content_encoding="gzip")), max_bytes=100_000)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()
    assert failed.code == "TOO_LARGE"


async def test_a_gzip_that_says_nothing_without_end() -> None:
    async def nothing(_: Asked, stream: SocketStream) -> None:
        await stream.send(
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"")[:10]
        )
        while True:
            await stream.send(b"\x00\x00\x00\xff\xff" * 1000)  # blocks with nothing in them

    failed = await failure(nothing, max_bytes=100_000)
    assert failed.code == "TOO_LARGE"


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (gzip.compress(b"[1]")[:-9], "gzip"),
        (b"[1]", "gzip"),
        (gzip.compress(b"1") * 2, "gzip"),
        (zlib.compress(b"1"), "deflate"),
        (b"1", "br"),
    ],
)
async def test_a_broken_or_unknown_encoding(body: bytes, encoding: str) -> None:
    failed = await failure(always(answer(body, content_encoding=encoding)))
    assert failed.code == "RESULT_INVALID"


async def test_an_endless_answer_is_left_at_the_cap() -> None:
    async def endless(_: Asked, stream: SocketStream) -> None:
        await stream.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            await stream.send(b"10000\r\n" + b" " * 0x10000 + b"\r\n")

    failed = await failure(endless, max_bytes=1_000_000)
    assert failed.code == "TOO_LARGE"


async def test_a_slow_drip_ends_with_the_time() -> None:
    async def drip(_: Asked, stream: SocketStream) -> None:
        await stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while True:
            await stream.send(b" ")
            await anyio.sleep(0.01)

    failed = await failure(drip, timeout=0.3)
    assert (failed.code, failed.retryable) == ("RESOURCE_UNAVAILABLE", True)
    assert "took longer than 0.3 s" in str(failed)


async def test_headers_without_end() -> None:
    async def headers(_: Asked, stream: SocketStream) -> None:
        await stream.send(b"HTTP/1.1 200 OK\r\n")
        while True:
            await stream.send(b"X-A: " + b"a" * 10_000 + b"\r\n")

    failed = await failure(headers)
    assert (failed.code, failed.retryable) == ("RESOURCE_UNAVAILABLE", True)


@pytest.mark.parametrize("given", [b"", b"no HTTP\r\n\r\n", answer("[1,2]", content_length="50")])
async def test_an_answer_that_breaks_off(given: bytes) -> None:
    async def broken(_: Asked, stream: SocketStream) -> None:
        await stream.send(given) if given else None

    failed = await failure(broken)
    assert (failed.code, failed.retryable) == ("RESOURCE_UNAVAILABLE", True)


async def test_nobody_listens() -> None:
    async with serve(always(answer("1"))) as server:
        pass
    with pytest.raises(ActionFailed) as raised:
        await read(server)
    assert (raised.value.code, raised.value.retryable) == ("RESOURCE_UNAVAILABLE", True)


@pytest.mark.parametrize(
    ("status", "retryable"),
    [(400, False), (401, False), (404, False), (408, True), (422, False), (429, True), (500, True), (503, True)],
)  # fmt: skip
async def test_a_status_says_whether_to_try_again(status: int, retryable: bool) -> None:
    failed = await failure(always(answer("secret body", status)), path="/x")
    assert (failed.code, failed.retryable) == ("RESOURCE_UNAVAILABLE", retryable)
    assert str(failed) == f"GET /x answered {status}"


@pytest.mark.parametrize(
    ("after", "seconds"),
    [("120", 120), ("99999999999999", 30 * 86_400), ("-1", None), ("soon", None), ("1e3", None)],
)
async def test_retry_after_in_seconds(after: str, seconds: float | None) -> None:
    failed = await failure(always(answer(status=429, retry_after=after)))
    assert failed.retry_after == seconds


async def test_retry_after_as_a_date() -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(minutes=10), usegmt=True)
    failed = await failure(always(answer(status=503, retry_after=date)))
    assert failed.retry_after is not None
    assert 500 < failed.retry_after <= 600
    failed = await failure(always(answer(status=503, retry_after="Wed, 21 Oct 2015 07:28:00 GMT")))
    assert failed.retry_after == 0


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("http://169.254.169.254/latest/meta-data/?token=s3cret", "http://169.254.169.254/latest/meta-data/"),
        ("https://user:s3cret@example.com/x#s3cret", "https://example.com/x"),
        ("/elsewhere?s3cret", "/elsewhere"),
    ],
)  # fmt: skip
async def test_a_redirect_is_told_and_not_followed(location: str, shown: str) -> None:
    failed = await failure(always(answer(status=302, location=location)))
    assert (failed.code, failed.retryable) == ("RESOURCE_UNAVAILABLE", False)
    assert repr(shown) in str(failed)
    assert "s3cret" not in str(failed)


@pytest.mark.parametrize(("status", "said"), [(401, ", sent with the secret token"), (404, "")])
async def test_a_refusal_says_which_secret_was_sent(status: int, said: str) -> None:
    headers = {"Authorization": {"$secret": "token"}}
    failed = await failure(always(answer("{}", status=status)), headers=headers)
    assert str(failed).endswith(f"GET /{said} answered {status}")
    assert "hunter2" not in str(failed)

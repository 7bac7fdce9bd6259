"""Lists that come in pages: by link, by cursor, by number; and pages that lead nowhere good."""

import json
from typing import Any
from urllib.parse import parse_qs

import anyio.to_thread
import pytest
from anyio.abc import SocketStream
from hypothesis import given
from hypothesis import strategies as st
from tests.actions.web_server import Asked, Respond, WebServer, answer, serve

from tasker.actions.http import acquire
from tasker.actions.pages import next_link
from tasker.actions.secrets import Sensitive
from tasker.actions.web import Web
from tasker_grammar.resources import Endpoint
from tasker_grammar.world import ActionFailed


def query(asked: Asked) -> dict[str, str]:
    return {k: v[0] for k, v in parse_qs(asked.target.partition("?")[2]).items()}


async def read(respond: Respond, pages: dict[str, Any], **fields: Any) -> tuple[Any, WebServer]:
    async with serve(respond) as server, Web() as web:
        given = {"base_url": server.url, "private_hosts": [server.host], "pages": pages} | fields
        endpoint = Endpoint.model_validate(given)
        value = await acquire(
            web, endpoint, {"q": "a b"}, lambda _: Sensitive("hunter2"), anyio.to_thread.run_sync
        )
        return value, server


async def refused(respond: Respond, pages: dict[str, Any], **fields: Any) -> ActionFailed:
    with pytest.raises(ActionFailed) as raised:
        await read(respond, pages, **fields)
    return raised.value


@pytest.mark.anyio
async def test_links_are_followed_with_the_headers() -> None:
    async def respond(asked: Asked, _: SocketStream) -> bytes:
        page = int(query(asked).get("page", "1"))
        link = f'</items?page={page + 1}&q=a%20b>; rel="prev next", </x>; rel=last'
        return answer(
            json.dumps([page]), **({"link": link} if page < 3 else {"link": "</y>; rel=prev"})
        )

    headers = {"Authorization": {"$secret": "token"}}
    value, server = await read(respond, {"style": "link"}, path="/items", headers=headers)
    assert value == [1, 2, 3]
    assert [asked.target for asked in server.asked] == [
        "/items?q=a%20b",
        "/items?page=2&q=a%20b",
        "/items?page=3&q=a%20b",
    ]
    assert all(asked.headers["authorization"] == "hunter2" for asked in server.asked)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "link",
    [
        "http://127.0.0.1:1/x",
        "https://evil.example/",
        "//evil.example/x",
        "http://user@{host}/x",
        "http://[",
        "file:///etc/passwd",
    ],
)
async def test_a_link_to_another_origin_is_not_followed(link: str) -> None:
    async def respond(asked: Asked, _: SocketStream) -> bytes:
        return answer("[1]", link=f"<{link.format(host=asked.headers['host'])}>; rel=next")

    failed = await refused(respond, {"style": "link"})
    assert (failed.code, failed.retryable) == ("RESULT_INVALID", False)
    assert "the next page's address is" in str(failed)


@pytest.mark.anyio
async def test_pages_in_a_circle() -> None:
    async def respond(asked: Asked, _: SocketStream) -> bytes:
        return answer("[1]", link=f"</{'a' if asked.path == '/b' else 'b'}>; rel=next")

    assert "circle" in str(await refused(respond, {"style": "link"}))

    async def again(_: Asked, __: SocketStream) -> bytes:
        return answer('{"items": [], "next": "x"}')

    pages = {"style": "cursor", "parameter": "c", "cursor_field": "next", "items_field": "items"}
    assert "circle" in str(await refused(again, pages))


@pytest.mark.anyio
async def test_cursors() -> None:
    async def respond(asked: Asked, _: SocketStream) -> bytes:
        at = int(query(asked).get("after", "0"))
        return answer(
            json.dumps(
                {"data": {"items": [at, at + 1]}, "meta": {"next": at + 2 if at < 4 else None}}
            )
        )

    pages = {
        "style": "cursor",
        "parameter": "after",
        "cursor_field": "meta.next",
        "items_field": "data.items",
    }
    value, server = await read(respond, pages)
    assert value == [0, 1, 2, 3, 4, 5]
    assert server.asked[1].target == "/?q=a%20b&after=2"


@pytest.mark.anyio
@pytest.mark.parametrize("cursor", ["true", "{}", "[1]", "1.5"])
async def test_a_cursor_that_is_none(cursor: str) -> None:
    async def respond(_: Asked, __: SocketStream) -> bytes:
        return answer('{"items": [1], "next": ' + cursor + "}")

    pages = {"style": "cursor", "parameter": "c", "cursor_field": "next", "items_field": "items"}
    assert (await refused(respond, pages)).code == "RESULT_INVALID"


@pytest.mark.anyio
@pytest.mark.parametrize("most", [3, 4, 20])
async def test_numbers_end_with_an_empty_page(most: int) -> None:
    async def respond(asked: Asked, _: SocketStream) -> bytes:
        page = int(query(asked)["page"])
        return answer(json.dumps([page] if page < 3 else []))

    value, server = await read(
        respond, {"style": "number", "parameter": "page", "first": 0, "most": most}
    )
    assert value == [0, 1, 2]
    assert len(server.asked) == 4


@pytest.mark.anyio
@pytest.mark.parametrize("style", ["number", "link", "cursor"])
async def test_more_pages_than_are_allowed_are_a_failure_and_no_shorter_list(style: str) -> None:
    asked_for: list[Asked] = []

    async def respond(asked: Asked, _: SocketStream) -> bytes:
        asked_for.append(asked)
        n = len(asked_for)
        return answer(json.dumps({"items": [n], "next": n}), link=f"</p{n}>; rel=next")

    pages = {
        "style": style,
        "parameter": "p",
        "cursor_field": "next",
        "items_field": "items",
        "most": 3,
    }
    failed = await refused(respond, pages)
    assert (failed.code, str(failed)) == ("TOO_LARGE", "there are more than 3 pages")
    assert len(asked_for) == 4


@pytest.mark.anyio
async def test_the_cap_of_bytes_is_for_all_pages() -> None:
    async def respond(asked: Asked, _: SocketStream) -> bytes:
        return answer(json.dumps(["x" * 400]))

    failed = await refused(respond, {"style": "number", "parameter": "page"}, max_bytes=1000)
    assert (failed.code, "bytes" in str(failed)) == ("TOO_LARGE", True)


@pytest.mark.anyio
@pytest.mark.parametrize("body", ["{}", "null", '{"items": 1}', "1"])
async def test_a_page_without_a_list(body: str) -> None:
    async def respond(_: Asked, __: SocketStream) -> bytes:
        return answer(body)

    pages = {"style": "number", "parameter": "p", "items_field": "items"}
    assert (await refused(respond, pages)).code == "RESULT_INVALID"


@given(st.text(alphabet="<>;, =\"'relnxt/abc", max_size=60))
def test_no_link_header_is_too_odd_to_read(header: str) -> None:
    assert next_link(header) is None or isinstance(next_link(header), str)


def test_links_as_they_are_written() -> None:
    assert next_link('<a>; rel="next"') == "a"
    assert next_link('<a;b,c>; title="x"; REL=Next , <d>; rel=last') == "a;b,c"
    assert next_link('<a>; rel="last", <b>; rel="next"') == "b"
    assert next_link("<a>; rel=nextish") is None
    assert next_link(None) is None

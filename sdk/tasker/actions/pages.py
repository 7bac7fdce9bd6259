"""Puts together a list that an endpoint gives in pages. Touches the network through the call that it is given."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, assert_never, cast

from tasker.actions.http_answers import Answer
from tasker.actions.http_requests import BadRequest, Request, follow, with_query
from tasker_grammar.resources import Pages
from tasker_grammar.world import ActionFailed

__all__ = ["next_link", "read_pages"]

Fetch = Callable[[Request, int], Awaitable[Answer]]
"""Sends a request for an answer of at most so many bytes."""


async def read_pages(fetch: Fetch, first: Request, pages: Pages, max_bytes: int) -> list[Any]:
    """The items of all pages, in order. Raises ActionFailed: TOO_LARGE for more pages or bytes than are allowed,
    RESULT_INVALID for an answer that has no list, or pages that lead in a circle.
    """
    request: Request | None = _start(first, pages)
    items: list[Any] = []
    seen: set[str] = set()
    while request is not None:
        if request.target in seen:
            raise ActionFailed("RESULT_INVALID", "the pages lead in a circle")
        seen.add(request.target)
        answer = await fetch(request, max_bytes)
        max_bytes -= answer.size
        page = _items(answer.value, pages)
        items += page
        request = _next(first, request, pages, answer, len(seen), bool(page))
        # One page more is asked for: it may be the empty one that says there are no others.
        if len(seen) > pages.most and (page or request is not None):
            raise ActionFailed("TOO_LARGE", f"there are more than {pages.most} pages")
    return items


def next_link(header: str | None) -> str | None:
    """The target of rel="next" in a `Link` header (RFC 8288)."""
    for target, rel in _links(header or ""):
        if "next" in rel.lower().split():
            return target
    return None


def _start(first: Request, pages: Pages) -> Request:
    if pages.style == "number" and pages.parameter is not None:
        return with_query(first, {pages.parameter: pages.first})
    return first


def _next(
    first: Request, request: Request, pages: Pages, answer: Answer, number: int, some: bool
) -> Request | None:
    match pages.style:
        case "link":
            link = next_link(answer.link)
            try:
                return None if link is None else follow(request, link)
            except BadRequest as error:
                raise ActionFailed("RESULT_INVALID", str(error)) from None
        case "cursor":
            cursor = _find(answer.value, pages.cursor_field or "")
            if cursor is None or cursor == "":
                return None
            if not isinstance(cursor, str | int) or isinstance(cursor, bool):
                raise ActionFailed("RESULT_INVALID", "the cursor is neither a text nor a number")
            return with_query(first, {pages.parameter or "cursor": cursor})
        case "number":
            if not some:
                return None
            return with_query(first, {pages.parameter or "page": pages.first + number})
        case _ as never:
            assert_never(never)


def _items(value: Any, pages: Pages) -> list[Any]:
    found = value if pages.items_field is None else _find(value, pages.items_field)
    if not isinstance(found, list):
        where = "is no list" if pages.items_field is None else f"has no list at {pages.items_field}"
        raise ActionFailed("RESULT_INVALID", f"a page {where}")
    return cast("list[Any]", found)


def _find(value: Any, path: str) -> Any:
    for name in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = cast("Mapping[str, Any]", value).get(name)
    return value


def _links(header: str) -> Iterator[tuple[str, str]]:
    rest = header
    while (start := rest.find("<")) >= 0 and (end := rest.find(">", start)) >= 0:
        target, rest = rest[start + 1 : end], rest[end + 1 :]
        following = rest.find("<")
        yield target.strip(), _relation(rest if following < 0 else rest[:following])


def _relation(parameters: str) -> str:
    for each in parameters.rstrip(", ").split(";"):
        name, _, value = each.partition("=")
        if name.strip().lower() == "rel":
            return value.strip().strip('",')
    return ""

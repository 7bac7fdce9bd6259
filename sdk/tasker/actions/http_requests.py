"""Makes the request that an endpoint and its parameters come to. Pure, but for the secrets that it is given.

Parameters are data. They fill the holes of the path, each within its own segment, or stand in the query; they cannot
lead to another path, another host, or another header.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast
from urllib.parse import quote, urlencode, urljoin, urlsplit

from httpx2 import URL, InvalidURL

from tasker.actions.addresses import listed_as
from tasker.actions.secrets import Secrets, reveal
from tasker_grammar.resources import Endpoint

__all__ = [
    "BadParams",
    "BadRequest",
    "Request",
    "fill_holes",
    "follow",
    "holes_of",
    "make_request",
    "with_query",
]

_HOLE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_IN_PATH = "/:@!$&'()*+,;=-._~%"
_PORTS = {"https": 443, "http": 80}
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OUR_HEADERS = frozenset(
    {
        "host", "connection", "keep-alive", "content-length", "transfer-encoding", "te", "trailer", "upgrade",
        "accept-encoding", "proxy-authorization", "expect", "range",
    }
)  # fmt: skip
_LONGEST_TARGET = 16_384


class BadRequest(ValueError):
    """No request can be made of this. The message names what is wrong, and holds neither data nor secrets."""


class BadParams(BadRequest):
    """No request can be made with these parameters."""


@dataclass(frozen=True, slots=True, repr=False)
class Request:
    """A request that can be sent. `target` is the path with its query, as it is written on the wire."""

    method: str
    scheme: str
    host: str
    port: int
    target: str
    headers: tuple[tuple[str, str], ...]

    @property
    def origin(self) -> tuple[str, str, int]:
        """Whom it goes to."""
        return self.scheme, self.host, self.port


def make_request(endpoint: Endpoint, params: Mapping[str, Any], secrets: Secrets) -> Request:
    """The request for an endpoint. Raises BadRequest, of which BadParams is one, and SecretError."""
    scheme, host, port, base = read_base(reveal(endpoint.base_url, secrets))
    names = holes_of(endpoint.path)
    path = fill_holes(endpoint.path, lambda name: _segment(name, params.get(name)))
    query = {name: value for name, value in params.items() if name not in names}
    request = Request(
        endpoint.method,
        scheme,
        host,
        port,
        quote(base.rstrip("/") + path, safe=_IN_PATH),
        tuple(_headers(endpoint, secrets)),
    )
    return with_query(request, query)


def read_base(url: str) -> tuple[str, str, int, str]:
    """Scheme, host, port and path of a base address. Raises BadRequest."""
    try:
        parsed = URL(url)
        host = parsed.raw_host.decode("ascii").lower()
        port = parsed.port or _PORTS.get(parsed.scheme, 0)
    except (InvalidURL, UnicodeError, ValueError):
        raise BadRequest("base_url is no URL") from None
    if parsed.scheme not in ("http", "https") or not host:
        raise BadRequest("base_url does not begin with https:// or http:// and a host")
    if parsed.userinfo or parsed.query or parsed.fragment or "?" in url:
        raise BadRequest("base_url has a user, a query or a fragment: use headers and params")
    return parsed.scheme, host, port, parsed.raw_path.decode("ascii")


def fill_holes(path: str, fill: Callable[[str], str]) -> str:
    """The path, with what `fill` gives for each of its `{holes}`, by name."""
    return _HOLE.sub(lambda hole: fill(hole[1]), path)


def holes_of(path: str) -> frozenset[str]:
    """The parameters that fill a path's `{holes}`."""
    return frozenset(_HOLE.findall(path))


def with_query(request: Request, query: Mapping[str, Any]) -> Request:
    """The request with more in its query. A list is sent as its name repeated; null is not sent. Raises BadParams."""
    pairs = [(name, _text(name, one)) for name, value in query.items() for one in _each(value)]
    if not pairs:
        return request
    joint = "&" if "?" in request.target else "?"
    target = request.target + joint + urlencode(pairs, quote_via=quote)
    if len(target) > _LONGEST_TARGET:
        raise BadParams(f"the path and query have more than {_LONGEST_TARGET:,} characters")
    return replace(request, target=target)


def follow(request: Request, link: str) -> Request:
    """The request for an address that an answer gives. Raises BadRequest when it leads to another origin."""
    here = f"{request.scheme}://{listed_as(request.host, request.port)}{request.target}"
    try:
        there = urlsplit(urljoin(here, link))
        port = there.port or _PORTS.get(there.scheme, 0)
    except ValueError:
        raise BadRequest("the next page's address is no URL") from None
    if (there.scheme, there.hostname, port) != request.origin or there.username is not None:
        raise BadRequest("the next page's address is of another origin, and is not followed")
    target = quote(there.path or "/", safe=_IN_PATH)
    if there.query:
        target += "?" + quote(there.query, safe=_IN_PATH + "?")
    if len(target) > _LONGEST_TARGET:
        raise BadRequest(f"the next page's address has more than {_LONGEST_TARGET:,} characters")
    return replace(request, target=target)


def check_header(name: str, value: str | None) -> None:
    """Whether a header may be sent; its value is None where it is not known yet. Raises BadRequest."""
    if not _HEADER_NAME.fullmatch(name):
        raise BadRequest(f"{name!r} is no name of a header")
    if name.lower() in _OUR_HEADERS:
        raise BadRequest(f"the header {name} is not for endpoints to set")
    if value is not None and not (
        value.isascii() and value.isprintable() and value == value.strip()
    ):
        raise BadRequest(f"the header {name} has an end of a line, or what is no printable ASCII")


def _headers(endpoint: Endpoint, secrets: Secrets) -> Iterable[tuple[str, str]]:
    yield "User-Agent", "tasker"
    yield "Accept-Encoding", "gzip"
    if not any(name.lower() == "accept" for name in endpoint.headers):
        yield "Accept", "application/json"
    for name, text in endpoint.headers.items():
        value = reveal(text, secrets)
        check_header(name, value)
        if name.lower() != "user-agent":
            yield name, value


def _segment(name: str, value: Any) -> str:
    """What fills a hole: never a way to somewhere else, also for a server that reads %2F as a slash."""
    if isinstance(value, list | dict) or value is None:
        raise BadParams(f"{name} is needed in the path, as a text, a number or a boolean")
    text = _text(name, value)
    parts = re.split(r"[/\\]", text)
    if any(part.strip() in ("", ".", "..") for part in parts) or not text.isprintable():
        raise BadParams(f"{name} cannot stand in a path: it is empty, or has empty or dot segments")
    return quote(text, safe="")


def _each(value: Any) -> list[Any]:
    if value is None:
        return []
    return cast("list[Any]", value) if isinstance(value, list) else [value]


def _text(name: str, value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case float() if value.is_integer() and abs(value) < 1e16:
            return str(int(value))
        case int() | float():
            return json.dumps(value)
        case _:
            raise BadParams(
                f"{name} holds an object, a list of lists or null, which no query can say"
            )

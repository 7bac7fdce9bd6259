"""Reads what a server answers, within bounds, and says what its status means. Touches the stream it is given."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from tasker_grammar.strict_json import NotStrict, read_json
from tasker_grammar.world import ActionFailed

__all__ = ["Answer", "Received", "check_status", "find_header", "read_body", "read_value"]

Headers = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Received:
    """What a server sent: the body, of what kind it is said to be, and the `Link` header."""

    body: bytes
    kind: str | None
    link: str | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server gave: the value, how many bytes it was, and the `Link` header."""

    value: Any
    size: int
    link: str | None


_LONGEST_DELAY = 30 * 86_400.0  # seconds
_PASSING = frozenset({408, 421, 425, 429})


def find_header(headers: Headers, name: str) -> str | None:
    """A header's value, of several with one name the first."""
    wanted = name.lower().encode()
    return next((value.decode("latin-1") for key, value in headers if key.lower() == wanted), None)


def check_status(status: int, headers: Headers, what: str, now: datetime | None = None) -> None:
    """Raise ActionFailed for a status that brings nothing. `what` names the request in the message."""
    if 200 <= status < 300:
        return
    said = f"{what} answered {status}"
    if 300 <= status < 400:
        to = _where_to(find_header(headers, "location"))
        raise ActionFailed("RESOURCE_UNAVAILABLE", f"{said}{to}, which is not followed")
    after = _retry_after(find_header(headers, "retry-after"), now or datetime.now(UTC))
    retryable = status >= 500 or status in _PASSING
    raise ActionFailed(
        "RESOURCE_UNAVAILABLE", said, retryable=retryable, retry_after=after if retryable else None
    )


async def read_body(chunks: AsyncIterator[bytes], encoding: str | None, most: int) -> bytes:
    """A body, decoded, of at most so many bytes. Raises ActionFailed: TOO_LARGE, or RESULT_INVALID."""
    match (encoding or "identity").strip().lower():
        case "identity":
            inflate = None
        case "gzip" | "x-gzip":
            inflate = zlib.decompressobj(16 + zlib.MAX_WBITS)
        case _:
            raise ActionFailed(
                "RESULT_INVALID", "the answer has an encoding that was not asked for"
            )
    body = bytearray()
    read = 0
    async for chunk in chunks:
        read += len(chunk)
        if read > most:
            raise _too_large()
        body += chunk if inflate is None else _inflate(inflate, chunk, most + 1 - len(body))
        if len(body) > most:
            raise _too_large()
    if inflate is not None and read and not inflate.eof:
        raise ActionFailed("RESULT_INVALID", "the answer's gzip ends too soon")
    return bytes(body)


def read_value(body: bytes, content_type: str | None) -> Any:
    """The JSON that a body holds; null of none. Raises ActionFailed: RESULT_INVALID."""
    if not body:
        return None
    try:
        return read_json(body)
    except NotStrict as error:
        kind = (content_type or "").partition(";")[0].strip().lower()
        said = (
            f", but {kind}"
            if kind.isprintable() and 0 < len(kind) < 60 and "json" not in kind
            else ""
        )
        message = f"the answer is not JSON that can be kept{said}: {error}"
        raise ActionFailed("RESULT_INVALID", message) from None


def _inflate(inflate: Any, chunk: bytes, room: int) -> bytes:
    try:
        data = inflate.decompress(chunk, max(room, 1))
    except zlib.error:
        raise ActionFailed("RESULT_INVALID", "the answer is no gzip, though it says so") from None
    if inflate.unused_data:
        raise ActionFailed("RESULT_INVALID", "the answer goes on behind the end of its gzip")
    return data


def _too_large() -> ActionFailed:
    return ActionFailed("TOO_LARGE", "the answer has more bytes than max_bytes allows")


def _where_to(location: str | None) -> str:
    """Where a redirect leads, without what may be confidential in it."""
    try:
        to = urlsplit(location or "")
        port = f":{to.port}" if to.port else ""
    except ValueError:
        return ", a redirect to what is no URL"
    if not to.scheme and not to.path:
        return ", a redirect to nowhere"
    shown = f"{to.scheme}://{to.hostname or ''}{port}{to.path}" if to.scheme else to.path
    return f", a redirect to {shown[:200]!a}"


def _retry_after(text: str | None, now: datetime) -> float | None:
    """Seconds from a Retry-After header, which has seconds or a date; None where it cannot be read."""
    if text is None:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:12]), _LONGEST_DELAY)
    try:
        date = parsedate_to_datetime(text)
        date = date if date.tzinfo else date.replace(tzinfo=UTC)
        return min(max((date - now).total_seconds(), 0.0), _LONGEST_DELAY)
    except (ValueError, OverflowError, TypeError):
        return None

"""`acquire`: reads from an endpoint over HTTP, within its bounds of time and size. Touches the network.

Every failure is one that `acquire` declares: RESOURCE_UNAVAILABLE (to be tried again where that may help),
RESULT_INVALID, TOO_LARGE, PARAMS_INVALID. No message holds an address that is a secret, a header, or a parameter.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from functools import partial
from typing import Any

import anyio
import httpcore2

from tasker.actions.addresses import AddressRefused
from tasker.actions.http_answers import (
    Answer,
    Received,
    check_status,
    find_header,
    read_body,
    read_value,
)
from tasker.actions.http_requests import BadParams, BadRequest, Request, make_request
from tasker.actions.pages import read_pages
from tasker.actions.secrets import SecretError, Secrets
from tasker.actions.web import Web
from tasker_grammar.resources import Endpoint, Secret
from tasker_grammar.world import ActionFailed, Compute

__all__ = ["acquire"]

_MUCH = 65_536  # bytes, which take some milliseconds to be read


async def acquire(
    web: Web, endpoint: Endpoint, params: Mapping[str, Any], secrets: Secrets, compute: Compute
) -> Any:
    """What the endpoint answers: JSON, not yet held to its contract; with `pages`, the items of all pages.

    An empty body, and so whatever HEAD brings, is null. Raises ActionFailed.
    """
    try:
        request = make_request(endpoint, params, secrets)

        async def fetch(page: Request, most: int) -> Answer:
            got = await _fetch(web, endpoint, page, most)
            read = partial(read_value, got.body, got.kind)
            value = await compute(read) if len(got.body) > _MUCH else read()
            return Answer(value, len(got.body), got.link)

        if endpoint.pages is None:
            return (await fetch(request, endpoint.max_bytes)).value
        return await read_pages(fetch, request, endpoint.pages, endpoint.max_bytes)
    except BadParams as error:
        raise ActionFailed("PARAMS_INVALID", str(error)) from None
    except BadRequest as error:
        raise ActionFailed("RESOURCE_UNAVAILABLE", str(error)) from None
    except SecretError as error:
        raise ActionFailed("RESOURCE_UNAVAILABLE", str(error), retryable=True) from None


async def _fetch(web: Web, endpoint: Endpoint, request: Request, most: int) -> Received:
    what = f"{endpoint.method} {endpoint.path}"
    try:
        async with web.lend(endpoint.private_hosts) as pool:
            with anyio.fail_after(endpoint.timeout):  # not of who waits for a turn
                return await _exchange(pool, endpoint, request, what, most)
    except TimeoutError:
        message = f"{what} took longer than {endpoint.timeout:g} s"
    except AddressRefused:
        raise ActionFailed(
            "RESOURCE_UNAVAILABLE",
            f"{what} leads to an address that is not public. If that is meant, list it in private_hosts",
        ) from None
    except httpcore2.TimeoutException:
        message = f"{what} got no connection in time"
    except (httpcore2.NetworkError, httpcore2.ProtocolError) as error:
        _refuse_untrusted(error, what)
        message = f"{what} failed: {type(error).__name__}"
    raise ActionFailed("RESOURCE_UNAVAILABLE", message, retryable=True) from None


async def _exchange(
    pool: httpcore2.AsyncConnectionPool, endpoint: Endpoint, request: Request, what: str, most: int
) -> Received:
    url = httpcore2.URL(
        scheme=request.scheme, host=request.host, port=request.port, target=request.target
    )
    headers = list(request.headers)
    async with pool.stream(request.method, url, headers=headers) as got:
        check_status(got.status, got.headers, f"{what}{_as_whom(endpoint, got.status)}")
        encoding = find_header(got.headers, "content-encoding")
        body = await read_body(aiter(got.aiter_stream()), encoding, most)
        kind = find_header(got.headers, "content-type")
        return Received(body, kind, find_header(got.headers, "link"))


def _as_whom(endpoint: Endpoint, status: int) -> str:
    """Which secrets were sent, for an answer that may be about them."""
    names = [text.name for text in endpoint.headers.values() if isinstance(text, Secret)]
    if status not in (401, 403) or not names:
        return ""
    return f", sent with the secret{'s' if len(names) > 1 else ''} {', '.join(names)}"


def _refuse_untrusted(error: BaseException, what: str) -> None:
    """A certificate that cannot be trusted does not become so by trying again."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            raise ActionFailed(
                "RESOURCE_UNAVAILABLE", f"{what}: the server's certificate cannot be trusted"
            ) from None
        cause = cause.__cause__ or cause.__context__

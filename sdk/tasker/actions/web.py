"""HTTP connections, kept while a worker lives, and made only to addresses that were checked. Touches the network.

A host's name is looked up here, every address of it is checked, and the connection is made to what was checked: so
nobody can answer one name twice with different addresses. No proxy, no cookie, no redirect and no setting of the
environment is followed.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from types import TracebackType
from typing import Any, Self, cast

import anyio
import httpcore2
from httpx2 import create_ssl_context

from tasker.actions.addresses import AddressRefused, may_reach

__all__ = ["Resolve", "Web", "look_up"]

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host, as texts, in the order in which they are to be tried."""

_MOST_CONNECTIONS = 100
_KEPT_FOR = 30.0  # seconds without a request


async def look_up(host: str, port: int) -> Sequence[str]:
    """What the system's resolver says."""
    found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(address[0] for *_, address in found))


class Web:
    """Connections to HTTP servers. Use it as a context manager.

    Which private hosts may be reached is a matter of each endpoint, so that connections are shared only among those
    with the same list. `resolve` and `ssl_context` are for tests, and for who has certificates of their own.
    """

    def __init__(
        self, *, resolve: Resolve = look_up, ssl_context: ssl.SSLContext | None = None
    ) -> None:
        self._resolve = resolve
        self._ssl_context = ssl_context
        self._pools: dict[
            frozenset[str], tuple[httpcore2.AsyncConnectionPool, asyncio.Semaphore]
        ] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        # At DEBUG it tells hosts and headers, either of which may be a secret.
        logging.getLogger("httpcore2").setLevel(logging.INFO)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with anyio.CancelScope(shield=True):
            await self._stack.aclose()
        self._pools.clear()

    @asynccontextmanager
    async def lend(
        self, private_hosts: Iterable[str]
    ) -> AsyncGenerator[httpcore2.AsyncConnectionPool]:
        """The connections for endpoints that may reach these private hosts, for one request; when it is its turn."""
        pool, turns = self._find(private_hosts)
        async with turns:
            yield pool

    def _find(
        self, private_hosts: Iterable[str]
    ) -> tuple[httpcore2.AsyncConnectionPool, asyncio.Semaphore]:
        allowed = frozenset(host.lower() for host in private_hosts)
        if allowed not in self._pools:
            if self._ssl_context is None:
                self._ssl_context = create_ssl_context(trust_env=False)
            pool = httpcore2.AsyncConnectionPool(
                ssl_context=self._ssl_context,
                max_connections=_MOST_CONNECTIONS,
                keepalive_expiry=_KEPT_FOR,
                network_backend=_Guarded(self._resolve, allowed),
            )
            self._stack.push_async_callback(pool.aclose)
            self._pools[allowed] = pool, asyncio.Semaphore(_MOST_CONNECTIONS)
        return self._pools[allowed]


class _Guarded(httpcore2.AsyncNetworkBackend):
    """Connects to the addresses of a host, when all of them may be reached."""

    def __init__(self, resolve: Resolve, private_hosts: frozenset[str]) -> None:
        self._resolve = resolve
        self._private_hosts = private_hosts
        self._inner = cast("httpcore2.AsyncNetworkBackend", httpcore2.AnyIOBackend())

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        try:
            addresses = await self._resolve(host, port)
        except (OSError, UnicodeError):
            raise httpcore2.ConnectError(f"there is no host {host}") from None
        if not all(may_reach(host, port, each, self._private_hosts) for each in addresses):
            raise AddressRefused(f"{host}:{port}")
        failure = httpcore2.ConnectError(f"the host {host} has no address")
        for address in addresses:
            try:
                return await self._inner.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except httpcore2.ConnectError as error:
                failure = error
        raise failure

    async def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore2.AsyncNetworkStream:
        raise AddressRefused("a socket of this machine")

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds)

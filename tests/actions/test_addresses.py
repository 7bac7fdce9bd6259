"""Which addresses are reached: ways to a machine's own network, names that are answered twice, and TLS."""

import ssl
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest
from tests.actions.web_server import always, answer, serve

from tasker.actions.addresses import is_public, may_reach
from tasker.actions.http import acquire
from tasker.actions.secrets import Sensitive
from tasker.actions.web import Web
from tasker_grammar.resources import Endpoint
from tasker_grammar.world import ActionFailed

PRIVATE = [
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
    "169.254.169.254", "100.64.0.1", "100.100.100.200", "192.0.0.1", "192.0.2.1", "192.88.99.1", "198.18.0.1",
    "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1", "100::1",
    "2001::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1",
    "fe80::1%lo", "fec0::1", "ff02::1", "", "localhost", "256.1.1.1", "1.2.3",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "2a00:1450:4001::1"]


@pytest.mark.parametrize("address", PRIVATE)
def test_what_is_not_public(address: str) -> None:
    assert not is_public(address)
    assert not may_reach("host", 443, address, frozenset())


@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_public(address: str) -> None:
    assert is_public(address)


def test_a_listed_host_may_be_private_and_no_metadata() -> None:
    allowed = frozenset({"shop.internal:8080", "169.254.0.9:80"})
    assert may_reach("shop.internal", 8080, "10.0.0.1", allowed)
    assert may_reach("shop.internal", 8080, "127.0.0.1", allowed)
    assert not may_reach("shop.internal", 8081, "10.0.0.1", allowed)
    assert not may_reach("evil.shop.internal", 8080, "10.0.0.1", allowed)
    assert not may_reach("shop.internal", 8080, "169.254.169.254", allowed)
    assert not may_reach("shop.internal", 8080, "0.0.0.0", allowed)
    assert may_reach("169.254.0.9", 80, "169.254.0.9", allowed)


async def refused(url: str, resolve: Any = None, **fields: Any) -> ActionFailed:
    endpoint = Endpoint.model_validate({"base_url": url, "timeout": 5} | fields)
    with pytest.raises(ActionFailed) as raised:
        async with Web(**({"resolve": resolve} if resolve else {})) as web:
            await acquire(web, endpoint, {}, lambda _: Sensitive(""), anyio.to_thread.run_sync)
    return raised.value


@pytest.mark.anyio
@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "localhost", "2130706433", "0x7f.1", "0177.0.0.1", "127.1", "[::1]", "[::ffff:127.0.0.1]",
        "0.0.0.0", "0", "[::]", "[64:ff9b::7f00:1]",
    ],
)  # fmt: skip
async def test_every_way_to_write_this_machine_is_refused(host: str) -> None:
    async with serve(always(answer("1"))) as server:
        failed = await refused(f"http://{host}:{server.port}")
        assert failed.code == "RESOURCE_UNAVAILABLE"
        assert server.connections == 0


@pytest.mark.anyio
async def test_one_bad_address_among_good_ones_is_enough() -> None:
    async def both(_: str, __: int) -> Sequence[str]:
        return ["8.8.8.8", "10.0.0.1"]

    failed = await refused("http://shop.example", both)
    assert "not public" in str(failed)
    assert "10.0.0.1" not in str(failed)


@pytest.mark.anyio
async def test_a_name_is_asked_once_and_its_answer_is_what_is_connected_to() -> None:
    """A server of names that first says what is allowed, and then this machine: nobody asks it again."""
    asked: list[str] = []

    async with serve(always(answer('"here"'))) as server:

        async def rebinding(host: str, port: int) -> Sequence[str]:
            asked.append(f"{host}:{port}")
            return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

        endpoint = Endpoint(
            base_url=f"http://rebind.example:{server.port}",
            private_hosts=(f"Rebind.Example:{server.port}",),
        )
        async with Web(resolve=rebinding) as web:
            assert (
                await acquire(web, endpoint, {}, lambda _: Sensitive(""), anyio.to_thread.run_sync)
                == "here"
            )
        assert asked == [f"rebind.example:{server.port}"]
        assert server.asked[0].headers["host"] == f"rebind.example:{server.port}"
        failed = await refused(
            str(endpoint.base_url), rebinding, private_hosts=endpoint.private_hosts
        )
        assert "not public" in str(failed)


@pytest.mark.anyio
async def test_a_kept_connection_serves_nobody_who_may_not_reach_it() -> None:
    async with serve(always(answer("1"))) as server, Web() as web:
        allowed = Endpoint(base_url=server.url, private_hosts=(server.host,))
        await acquire(web, allowed, {}, lambda _: Sensitive(""), anyio.to_thread.run_sync)
        with pytest.raises(ActionFailed) as raised:
            await acquire(
                web,
                Endpoint(base_url=server.url),
                {},
                lambda _: Sensitive(""),
                anyio.to_thread.run_sync,
            )
        assert "not public" in str(raised.value)
        assert len(server.asked) == 1


@pytest.mark.anyio
async def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with (
        serve(always(answer('"proxy"'))) as proxy,
        serve(always(answer('"server"'))) as server,
    ):
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        async with Web() as web:
            endpoint = Endpoint(base_url=server.url, private_hosts=(server.host,))
            assert (
                await acquire(web, endpoint, {}, lambda _: Sensitive(""), anyio.to_thread.run_sync)
                == "server"
            )
        assert proxy.connections == 0


@pytest.fixture
def certificate(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=shop.example", "-addext", "subjectAltName=DNS:shop.example", "-keyout", key, "-out", cert],
        check=True, capture_output=True,
    )  # fmt: skip
    yield key, cert


@pytest.mark.anyio
async def test_the_certificate_is_that_of_the_name_and_not_of_the_address(
    certificate: tuple[Path, Path],
) -> None:
    key, cert = certificate
    names: list[str | None] = []
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, key)
    context.sni_callback = lambda _, name, __: names.append(name)

    async def here(_: str, __: int) -> Sequence[str]:
        return ["127.0.0.1"]

    async with serve(always(answer("1")), context) as server:
        url, hosts = (
            f"https://shop.example:{server.port}",
            (f"shop.example:{server.port}", f"other.example:{server.port}"),
        )
        trusting = ssl.create_default_context(cafile=str(cert))
        async with Web(resolve=here, ssl_context=trusting) as web:
            right = Endpoint(base_url=url, private_hosts=hosts)
            got = await acquire(web, right, {}, lambda _: Sensitive(""), anyio.to_thread.run_sync)
            assert got == 1
            wrong = Endpoint(base_url=url.replace("shop", "other"), private_hosts=hosts)
            with pytest.raises(ActionFailed) as raised:
                await acquire(web, wrong, {}, lambda _: Sensitive(""), anyio.to_thread.run_sync)
        assert names == ["shop.example", "other.example"]
        assert (raised.value.retryable, "certificate" in str(raised.value)) == (False, True)
        failed = await refused(url, here, private_hosts=hosts)
        assert "certificate" in str(failed)


def test_an_ipv6_address_is_listed_in_brackets() -> None:
    assert may_reach("::1", 443, "::1", {"[::1]:443"})
    assert not may_reach("::1", 80, "::1", {"[::1]:443"})

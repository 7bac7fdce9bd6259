"""An error whose id is null is about a line that could not be read: the host lets it pass, as the protocol says."""

import pytest

from tasker_ffi_bridge.host import Broken, HostSession, Noticed


def test_an_error_without_an_id_is_noticed() -> None:
    host = HostSession("test")
    host.initialize()
    event = host.receive(
        b'{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"a line that is no JSON"}}'
    )
    assert isinstance(event, Noticed)


@pytest.mark.parametrize("rest", [b'"result":{}', b'"error":7', b'"error":{"code":1}'])
def test_any_other_message_without_an_id_breaks_the_protocol(rest: bytes) -> None:
    event = HostSession("test").receive(b'{"jsonrpc":"2.0","id":null,' + rest + b"}")
    assert isinstance(event, Broken)

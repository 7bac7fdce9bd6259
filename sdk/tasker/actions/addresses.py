"""Which addresses and hosts may be reached: by default only what is public on the internet. Pure.

An endpoint's address may come from a secret, and its host's name from anybody's name server. Neither may lead to the
machine itself, to its neighbours, or to a cloud's metadata.
"""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

__all__ = ["AddressRefused", "is_private_name", "is_public", "listed_as", "may_reach"]

# What routes on to an IPv4 address that stands inside, or to nothing that is public.
_NOT_PUBLIC = [
    ip_network(text)
    for text in (
        "0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "240.0.0.0/4",
        "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
    )
]  # fmt: skip
_UNICAST = ip_network("2000::/3")


class AddressRefused(Exception):
    """A host has an address that may not be reached. Says which host, and not which address."""


def is_public(address: str) -> bool:
    """Whether an IP address, as text, is one that anybody on the internet may reach. False for what is none."""
    ip = _read(address)
    if ip is None or not ip.is_global or ip.is_multicast or ip.is_reserved:
        return False
    if isinstance(ip, IPv6Address) and ip not in _UNICAST:
        return False  # this leaves out mapped and translated IPv4 addresses
    return not any(ip in network for network in _NOT_PUBLIC)


def is_private_name(host: str) -> bool:
    """Whether a host, as it is written, can only lead to an address that is not public. Looks no name up."""
    return host == "localhost" or (_read(host) is not None and not is_public(host))


def listed_as(host: str, port: int) -> str:
    """How a host and its port stand in `private_hosts`: in small letters, an IPv6 address in brackets."""
    return f"[{host}]:{port}".lower() if ":" in host else f"{host}:{port}".lower()


def may_reach(host: str, port: int, address: str, private_hosts: Collection[str]) -> bool:
    """Whether the address that a host's name stands for may be connected to.

    A host that is listed as "host:port" may have a private address, but none of those that are local to a link, where
    clouds keep their metadata: unless the host is listed by that very address.
    """
    if listed_as(host, port) not in private_hosts:
        return is_public(address)
    ip = _read(address)
    if ip is None or ip.is_multicast or ip.is_unspecified:
        return False
    return not ip.is_link_local or host == address


def _read(address: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(address.partition("%")[0])
    except ValueError:
        return None

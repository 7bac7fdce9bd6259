"""The JSON bridge to handlers in other languages: a protocol machine without I/O, and a host for children."""

from tasker_ffi_bridge.bridge import Bridge, BridgeError
from tasker_ffi_bridge.life import End, Lost, Refused, Run, Services, Unacceptable, Unsendable

__all__ = [
    "Bridge",
    "BridgeError",
    "End",
    "Lost",
    "Refused",
    "Run",
    "Services",
    "Unacceptable",
    "Unsendable",
]

"""The sign that an attempt should stop. Pure."""

from __future__ import annotations

import threading

__all__ = ["Cancellation"]


class Cancellation(threading.Event):
    """A threading.Event that is built when somebody waits for it. Every attempt has one, and few wait."""

    def __init__(self) -> None:  # not the base's: that builds it
        self._cancelled = False
        self._awaited: threading.Event | None = None
        self._turn = threading.Lock()

    def is_set(self) -> bool:
        """Whether the attempt should stop."""
        return self._cancelled

    def set(self) -> None:
        """Tell the handler to stop."""
        with self._turn:
            self._cancelled = True
            if self._awaited is not None:
                self._awaited.set()

    def clear(self) -> None:
        """Not for handlers: an attempt that should stop does not go on."""
        raise RuntimeError("an attempt that was told to stop cannot be told to go on")

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the attempt should stop, or for `timeout` seconds; whether it should."""
        with self._turn:
            if self._cancelled:
                return True
            event = self._awaited = self._awaited or threading.Event()
        return event.wait(timeout)

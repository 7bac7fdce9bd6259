"""How the demonstration fails."""

__all__ = ["DemoFailed"]


class DemoFailed(Exception):
    """The demonstration could not go on; the message says why, for people."""

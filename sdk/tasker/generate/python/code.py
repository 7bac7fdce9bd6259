"""What all Python files that are written have in common: how they are laid out. Imports black when asked."""

from __future__ import annotations

from tasker.errors import GenerateError
from tasker.generate.naming import one_line
from tasker.generate.python.models import INSTALL

__all__ = ["escape", "format_code", "quote_line"]


def quote_line(text: str) -> str:
    """A text on one line, that cannot end the docstring that it stands in."""
    return escape(one_line(text))


def escape(text: str) -> str:
    """A text that cannot end the docstring that it stands in."""
    return text.replace("\\", "\\\\").replace('"', '\\"')


def format_code(text: str) -> str:
    """The code as black writes it, so that whoever formats theirs finds nothing to change."""
    try:
        from black import format_str
        from black.mode import Mode, TargetVersion
    except ImportError:
        raise GenerateError(
            f"code for Python needs black, which is not installed: {INSTALL}"
        ) from None
    return format_str(text, mode=Mode(target_versions={TargetVersion.PY311}))

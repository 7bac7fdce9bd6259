"""The module of types in Python. Imports datamodel-code-generator and black when asked."""

from __future__ import annotations

from pathlib import PurePosixPath

from tasker.generate.files import Generated, header
from tasker.generate.python.code import format_code, quote_line
from tasker.generate.python.models import write_models
from tasker.generate.source import Source

__all__ = ["write_types"]


def write_types(source: Source) -> Generated:
    """The module of types."""
    head = header(source.plan, source.file.name, "#", contracts=True)
    about = f'"""What goes in and out of the steps of {quote_line(source.plan.template.name)}."""'
    text = f"{head}\n{about}\n\n{write_models(source.plan.definitions, source.plan.named)}"
    return Generated(PurePosixPath(f"{source.name}_types.py"), format_code(text))

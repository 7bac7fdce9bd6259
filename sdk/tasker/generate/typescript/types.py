"""The module of types in TypeScript. Starts Node."""

from __future__ import annotations

from pathlib import PurePosixPath

from tasker.generate.files import Generated, header
from tasker.generate.source import Source
from tasker.generate.typescript.models import write_interfaces
from tasker.generate.typescript.tool import format_code

__all__ = ["write_types"]


def write_types(source: Source) -> Generated:
    """The module of types."""
    head = header(source.plan, source.file.name, "//", contracts=True)
    text = f"{head}\n{write_interfaces(source.plan.definitions, source.plan.named) or 'export {};'}"
    return Generated(PurePosixPath(f"{source.name}_types.ts"), format_code(text))

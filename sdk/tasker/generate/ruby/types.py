"""The types in Ruby, and their signatures. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from tasker.generate.files import Generated, header
from tasker.generate.naming import pascal
from tasker.generate.ruby.expressions import FROZEN
from tasker.generate.ruby.structs import write_signatures, write_structs
from tasker.generate.source import Source

__all__ = ["write_types"]


def write_types(source: Source) -> Iterator[Generated]:
    """The structs, and their signatures."""
    head = header(source.plan, source.file.name, "#", contracts=True)
    module = pascal(f"{source.name} types")
    yield Generated(
        PurePosixPath(f"{source.name}_types.rb"),
        f"{FROZEN}{head}\n{write_structs(source.plan, module)}",
    )
    yield Generated(
        PurePosixPath(f"sig/{source.name}_types.rbs"),
        f"{head}\n{write_signatures(source.plan, module)}",
    )

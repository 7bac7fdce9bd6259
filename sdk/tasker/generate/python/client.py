"""A client in Python: functions that submit tasks, and read what they come to. Imports black when asked."""

from __future__ import annotations

from pathlib import PurePosixPath

from tasker.generate.files import Generated, header
from tasker.generate.python.code import format_code, quote_line
from tasker.generate.python.expressions import annotate
from tasker.generate.source import Source
from tasker.generate.types import Anything, ListOf, MapOf, Named

__all__ = ["write_client"]


def write_client(source: Source) -> Generated:
    """The module with which other code submits tasks."""
    plan, name = source.plan, source.name
    template = plan.template
    head = header(plan, source.file.name, "#")
    result, given = annotate(plan.result), annotate(plan.input)
    class_name = "".join(word.capitalize() for word in name.split("_")) + "Task"
    read: str
    match plan.result:
        case Anything():
            read = "await self.handle.result(timeout=timeout)"
        case _:
            kind = (
                result
                if isinstance(plan.result, Named | ListOf | MapOf)
                else f'cast("type[Any]", {result})'
            )
            read = f"await self.handle.result({kind}, timeout=timeout)"
    typed = "types." in result or "types." in given
    names = [
        each
        for each in ("Any", "Literal", "Unpack", "cast")
        if each in f"{result} {given} {read} Unpack"
    ]
    body = f'''
@dataclass(frozen=True)
class {class_name}:
    """A task of {quote_line(template.name)} that was submitted."""

    handle: TaskHandle

    async def result(self, *, timeout: float | None = None) -> {result}:
        """Wait for its end and return what it came to. Raises as TaskHandle.result."""
        return {read}


async def submit_{name}(
    client: Client, input: {given}, **options: Unpack[SubmitOptions]
) -> {class_name}:
    """Submit a task. The options, and what it raises, are those of Client.submit."""
    options.setdefault("version", {template.version!r})
    return {class_name}(await client.submit({f"{template.namespace}/{template.name}"!r}, input, **options))
'''
    imports = "\n".join(
        [
            "from dataclasses import dataclass",
            f"from typing import {', '.join(names)}",
            "",
            "from tasker import Client, TaskHandle",
            "from tasker.client import SubmitOptions",
            "",
            *([f"import {name}_types as types"] if typed else []),
        ]
    )
    about = f"Submits tasks of {quote_line(template.name)}, and reads what they come to."
    return Generated(
        PurePosixPath(f"{name}_client.py"),
        format_code(f'{head}\n"""{about}"""\n\n{imports}\n\n{body}'),
    )

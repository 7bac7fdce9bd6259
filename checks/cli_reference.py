"""The reference of the command line, from the commands themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from typing import Any

import typer

from tasker.cli.app import app
from tasker.cli.exit_codes import MEANINGS

_EVERYWHERE = ("url", "output")  # explained once, at the top of the page
_MARKUP = re.compile(r"\[/?bold\]")


def render() -> str:
    """The generated part of docs/cli.md."""
    codes = "".join(f"| {code.value} | {text} |\n" for code, text in MEANINGS.items())
    parts = [f"## Exit codes\n\n| Code | Meaning |\n| ---: | --- |\n{codes}"]
    root: Any = typer.main.get_command(app)
    for name, command in root.commands.items():
        parts += _describe(command, ("tasker", name))
    return "\n".join(parts)


def _describe(command: Any, path: tuple[str, ...]) -> Iterator[str]:
    level = "#" * len(path)
    children: dict[str, Any] = getattr(command, "commands", {})
    usage = "" if children else f"```text\n{_usage(command, path)}\n```\n"
    parts = [f"{level} `{' '.join(path)}`\n", f"{_prose(command.help)}\n", usage, _options(command)]
    if command.epilog:
        parts.append(_example(command.epilog))
    yield "\n".join(part for part in parts if part)
    for name, child in children.items():
        yield from _describe(child, (*path, name))


def _usage(command: Any, path: tuple[str, ...]) -> str:
    words = [_needed(p) for p in command.params if p.param_type_name == "option" and p.required]
    words += [_argument(p) for p in command.params if p.param_type_name == "argument"]
    some = any(p.param_type_name == "option" and not p.required for p in command.params)
    return " ".join([*path, *(["[OPTIONS]"] if some else []), *words])


def _argument(parameter: Any) -> str:
    name = parameter.metavar or parameter.name.upper()
    name += "…" if parameter.nargs == -1 else ""
    return name if parameter.required else f"[{name}]"


def _needed(option: Any) -> str:
    return f"{max(option.opts, key=len)} {_value(option)}"


def _options(command: Any) -> str:
    shown = [p for p in command.params if p.name not in (*_EVERYWHERE, "help")]
    if not shown:
        return ""
    rows = "".join(f"| {_name(p)} | {_cell(p.help)} | {_default(p)} |\n" for p in shown)
    return f"| | | Default |\n| --- | --- | --- |\n{rows}"


def _name(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"`{_argument(parameter).strip('[]')}`"
    value = "" if parameter.is_flag else f" {_value(parameter)}"
    names = sorted(parameter.opts, key=len, reverse=True)
    shown = ", ".join(f"`{name}{value if name == names[0] else ''}`" for name in names)
    return shown.replace("|", "\\|")


def _value(option: Any) -> str:
    kind = option.type_descriptor.annotation
    if isinstance(kind, type) and issubclass(kind, Enum):
        return "|".join(str(choice.value) for choice in kind)
    return option.metavar or option.name.upper()


def _default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    shown = parameter.show_default
    if isinstance(shown, str):
        return f"`{shown}`"
    value = parameter.default
    if (
        shown is False
        or value in (None, False, [], ())
        or callable(value)
        or "Sentinel" in repr(value)
    ):
        return ""
    return f"`{getattr(value, 'value', value)}`"


def _prose(text: str | None) -> str:
    paragraphs = re.split(r"\n\s*\n", _MARKUP.sub("`", text or ""))
    return "\n\n".join(" ".join(each.split()) for each in paragraphs)


def _cell(text: str | None) -> str:
    return " ".join((text or "").replace("|", "\\|").split())


def _example(epilog: str) -> str:
    lines = [line.strip() for line in epilog.splitlines() if line.strip()]
    commands = [re.sub(r"^Examples?:\s*", "", line) for line in lines]
    text = "\n".join(f"$ {command}" for command in commands if command)
    return f"```console fragment\n{text}\n```\n"

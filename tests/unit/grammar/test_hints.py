"""Hints stand behind a message and its full stop, so each begins as a sentence does: read from the sources."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import tasker
import tasker_grammar

FOLDERS = [Path(each.__path__[0]) for each in (tasker, tasker_grammar)]
PLACE = {"Finding": 3, "Fault": 3, "CommandFailed": 2}
"""Where the hint stands among the arguments."""


def texts(node: ast.expr | None) -> Iterator[str]:
    """The constants that an expression may give, with braces where a text has holes."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=parts):
            yield "".join(p.value if isinstance(p, ast.Constant) else "{}" for p in parts)
        case ast.IfExp(body=body, orelse=other):
            yield from texts(body)
            yield from texts(other)
        case ast.BoolOp(values=values):
            for each in values:
                yield from texts(each)
        case _:
            pass


def hints(module: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(module):
        found: list[ast.expr] = []
        match node:
            case ast.Assign(targets=[ast.Name(id="hint" | "mend")], value=value):
                found = [value]
            case ast.Call(func=ast.Name(id=name), args=args, keywords=words) if name in PLACE:
                found = [*args[PLACE[name] : PLACE[name] + 1]]
                found += [each.value for each in words if each.arg == "hint"]
            case _:
                continue
        for each in found:
            yield from ((node.lineno, text) for text in texts(each) if text)


def test_every_hint_begins_as_a_sentence_does() -> None:
    found = [
        (str(path.relative_to(folder.parent)), line, text)
        for folder in FOLDERS
        for path in sorted(folder.rglob("*.py"))
        for line, text in hints(ast.parse(path.read_text("utf-8")))
    ]
    assert len(found) > 200
    assert [each for each in found if each[2][0].islower()] == []

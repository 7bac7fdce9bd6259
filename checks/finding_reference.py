"""Writes the tables of all codes of findings from the registries in the code."""

from __future__ import annotations

from collections.abc import Iterator

from tasker.checking import CODES
from tasker_grammar.checking import CODES as GRAMMAR_CODES


def render() -> str:
    """The generated part of docs/findings/index.md."""
    return "\n".join(
        [
            *_table("Templates", ((c.name, c.severity, c.title) for c in CODES.values())),
            *_table(
                "The action grammar",
                ((c.name, c.severity, c.title) for c in GRAMMAR_CODES.values()),
            ),
        ]
    )


def _table(heading: str, codes: Iterator[tuple[str, str, str]]) -> Iterator[str]:
    yield from (f"## {heading}", "", "| Code | Severity | Meaning |", "| --- | --- | --- |")
    for name, severity, title in codes:
        yield f"| [`{name}`]({name}.md) | {severity} | {title} |"
    yield ""

"""Writes the table of all codes of findings from the registry in the code."""

from __future__ import annotations

from tasker.checking import CODES


def render() -> str:
    """The generated part of docs/findings/index.md."""
    rows = [f"| [`{c.name}`]({c.name}.md) | {c.severity} | {c.title} |" for c in CODES.values()]
    return (
        "\n".join(
            ["## All codes", "", "| Code | Severity | Meaning |", "| --- | --- | --- |", *rows]
        )
        + "\n"
    )

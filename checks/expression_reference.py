"""The table of functions in docs/expressions.md, from the functions themselves."""

from __future__ import annotations

import json
from typing import Any

from tasker_grammar.expressions.library import FUNCTIONS


def render() -> str:
    """The table, in the order of the names."""
    rows = [
        f"| `{_cell(each.call)}` | {_cell(each.summary)} | `{_cell(each.example[0])}` "
        f"| `{_cell(_json(each.example[1]))}` | `{_cell(_json(each.example[2]))}` |"
        for _, each in sorted(FUNCTIONS.items(), key=lambda item: (item[0][0].lower(), item[0]))
    ]
    head = "| Function | Gives | Example | of | is |\n| --- | --- | --- | --- | --- |\n"
    return head + "\n".join(rows) + "\n"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")

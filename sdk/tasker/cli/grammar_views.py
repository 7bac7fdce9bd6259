"""What the commands about the grammar print. Pure."""

import json
from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType

from tasker.cli.tables import make_facts, make_heading, make_table
from tasker_grammar.vocabulary import Entry


def draw_list(entries: Sequence[Entry]) -> RenderableType:
    """One line for each."""
    table = make_table("sort", "name", "what it is")
    for each in entries:
        table.add_row(each.sort, each.signature, each.summary)
    return table


def draw_entries(entries: Sequence[Entry]) -> RenderableType:
    """All about each."""
    return Group(*(part for each in entries for part in _draw(each)))


def _draw(entry: Entry) -> Iterator[RenderableType]:
    about = entry.about
    yield make_heading(entry.signature, entry.sort)
    yield f"{entry.summary} {about.get('description', '')}".strip()
    yield ""
    facts = [(name, _say(about[key])) for key, name in _FACTS.items() if about.get(key)]
    failures = "\n".join(f"{e['code']}: {e['meaning']}" for e in about.get("failures", ()))
    yield make_facts([*facts, ("can end in", failures), *_example(entry)])
    if about.get("parameters"):
        table = make_table("parameter", "kind", "default", "what it is")
        for each in about["parameters"]:
            default = "" if each["required"] else _say(each["default"])
            seen = f" Sees {each['sees']}." if each["sees"] else ""
            table.add_row(each["name"], each["kind"], default, f"{each['description']}{seen}")
        yield ""
        yield table
    yield ""


_FACTS = {
    "version": "version",
    "fields": "fields",
    "behaviour": "does",
    "gives": "gives",
    "effect": "effect",
}


def _say(value: object) -> str:
    match value:
        case str():
            return value
        case None:
            return "-"
        case _:
            return json.dumps(value, ensure_ascii=False)


def _example(entry: Entry) -> Iterator[tuple[str, str]]:
    example = entry.about.get("example")
    if example is None:
        return
    for name, value in example.items():
        shown = value if name == "expression" else json.dumps(value, ensure_ascii=False)
        yield f"example {name}", shown

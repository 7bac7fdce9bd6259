"""The vocabulary as one document, in three sizes. Pure.

small is for a model's prompt where room is scarce: what there is, by signature. medium says of each thing what it does
and how it fails. full has the parameters, examples and codes, too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, get_args

from tasker_grammar.effects import EFFECTS
from tasker_grammar.vocabulary.entries import SORTS, Entry, Sort

__all__ = ["SIZES", "Size", "as_json", "write"]

Size = Literal["small", "medium", "full"]
SIZES: tuple[Size, ...] = get_args(Size)

_SHORT_RULES = """\
A composition or fragment is a list of `steps` and a `result`, the id of a step. A step is `{id, kind, needs?, …fields
of its kind}`. `resource`, `event`, `action` and `schema` are names among the resources. Expressions are texts in a
typed subset of jq: `.input` is the input, `.some_id` what that step gave; within a `fan_out` also `.item` and `.index`.
To refer to a step is to wait for it; `needs` adds order without data. A step that `decide` did not choose does not run,
nor does what waits for it, except `converge`. The result must always run.
"""

_LANGUAGE = """\
Paths `.a.b`, `.[0]`, `.[1:3]`, `.[]`; `|` `,` `+ - * / %` `== != < <= > >=` `and or not` `//`
(default for null), `if … then … elif … else … end`, `. as $x | …`, `[…]`, `{a, b: .c, (.k): .v}`, `"text \\(.a)"`. A
field that may be missing gives null: use `// default` before computing with it. One value must come out. No regular
expressions, no `reduce`, `def`, `try`, time or environment.
"""

_HEADINGS: dict[Sort, str] = {
    "primitive": "Kinds of steps",
    "composition": "Compositions",
    "function": "Functions of expressions",
    "code": "Codes of findings",
}

_USED = (
    "Each is used by a step `{id, kind: compose, composition: name, with: {…}, input: expression}`."
)


def write(entries: Sequence[Entry], size: Size, *, level: int = 1) -> str:
    """The document, in Markdown; its headings begin at this level."""
    marks = "#" * level
    parts = [
        f"{marks} The vocabulary of compositions",
        "",
        _SHORT_RULES,
        f"{marks}# Expressions",
        "",
    ]
    parts.append(_LANGUAGE)
    for sort in SORTS:
        if sort == "code" and size != "full":
            continue
        parts += [f"{marks}# {_HEADINGS[sort]}", ""]
        if sort == "composition":
            parts += [_USED, ""]
        parts += [*_section(sort, [each for each in entries if each.sort == sort], size, marks), ""]
    return "\n".join(parts).rstrip() + "\n"


def as_json(entries: Iterable[Entry], size: Size) -> dict[str, Any]:
    """The same for programs."""
    rules = {"rules": " ".join(_SHORT_RULES.split()), "expressions": " ".join(_LANGUAGE.split())}
    match size:
        case "small":
            kept = [
                {
                    "sort": each.sort,
                    "signature": each.signature,
                    "summary": each.summary,
                    **({"gives": each.about["gives"]} if each.sort == "primitive" else {}),
                }
                for each in entries
                if each.sort in ("primitive", "composition")
            ]
            return {**rules, "entries": kept, "functions": _names(entries)}
        case "medium":
            kept = [each.as_json() for each in entries if each.sort != "code"]
            shorter = [{k: v for k, v in each.items() if k != "example"} for each in kept]
            return {**rules, "effects": dict(EFFECTS), "entries": shorter}
        case "full":
            return {
                **rules,
                "effects": dict(EFFECTS),
                "entries": [each.as_json() for each in entries],
            }


def _section(sort: Sort, entries: Sequence[Entry], size: Size, marks: str) -> Iterator[str]:
    match size, sort:
        case "small", "function":
            yield f"As in jq: {', '.join(_names(entries))}."
        case "small", "primitive":
            yield from (
                f"- `{e.signature}`: {e.summary} Gives {e.about['gives']}." for e in entries
            )
        case "small", _:
            yield from (f"- `{each.about['brief']}`: {each.summary}" for each in entries)
        case _, "function":
            yield from _table(("Function", "What it gives"), map(_function_row, entries))
        case _, "code":
            yield from _table(("Code", "Severity", "Meaning"), map(_code_row, entries))
        case "medium", _:
            yield from (_line(each) for each in entries)
        case "full", "primitive":
            for each in entries:
                yield from _primitive(each, marks)
        case "full", "composition":
            for each in entries:
                yield from _composition(each, marks)


def _names(entries: Iterable[Entry]) -> list[str]:
    return list(dict.fromkeys(each.name for each in entries if each.sort == "function"))


def _line(entry: Entry) -> str:
    about = entry.about
    told = [f"- `{entry.signature}`: {entry.summary}"]
    if entry.sort == "primitive":
        codes = ", ".join(each["code"] for each in about["failures"])
        told += [
            f"{about['fields']}",
            f"Gives {about['gives']}.",
            f"Effect: {about['effect']}.",
            f"Failures: {codes}.",
        ]
    else:
        told += [about["description"], f"Effect: {about['effect'] or 'that of its parts'}."]
    return " ".join(part for part in told if part)


def _primitive(entry: Entry, marks: str) -> Iterator[str]:
    about = entry.about
    yield from (f"{marks}## {entry.name}", "", entry.summary, "", f"`{entry.signature}`", "")
    yield from (about["fields"], "", about["behaviour"], "", f"Gives {about['gives']}.", "")
    yield from (f"Effect: {about['effect']}, which {about['effect_means']}.", "")
    for each in about["failures"]:
        again = " It is tried again." if each["retried"] else ""
        yield f"- `{each['code']}`: {each['meaning']}{again}"
    yield ""


def _composition(entry: Entry, marks: str) -> Iterator[str]:
    about = entry.about
    yield from (f"{marks}## {entry.name}", "", f"{entry.summary} {about['description']}", "")
    yield from (f"Effect: {about['effect'] or 'that of the compositions that it is given'}.", "")
    yield from _table(
        ("Parameter", "Kind", "Default", "What it is"), map(_parameter_row, about["parameters"])
    )
    if about["example"] is not None:
        example = json.dumps(about["example"], indent=2, ensure_ascii=False)
        yield from ("", "```json", example, "```")
    yield ""


def _parameter_row(parameter: dict[str, Any]) -> tuple[str, ...]:
    default = "" if parameter["required"] else "none"
    if parameter["default"] is not None:
        default = f"`{_cell(parameter['default'])}`"
    seen = f" Sees {parameter['sees']}." if parameter["sees"] else ""
    said = f"{parameter['description']}{seen}"
    return f"`{parameter['name']}`", parameter["kind"], default, _escape(said)


def _function_row(entry: Entry) -> tuple[str, ...]:
    return f"`{_escape(entry.signature)}`", _escape(entry.summary)


def _code_row(entry: Entry) -> tuple[str, ...]:
    return f"`{entry.name}`", entry.about["severity"], _escape(entry.summary)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{' --- |' * len(head)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)


def _cell(value: Any) -> str:
    return _escape(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _escape(text: str) -> str:
    return text.replace("|", "\\|")

"""What jq has and this language has not, and what to write instead. Pure."""

from __future__ import annotations

from tasker_grammar.expressions.faults import Fault
from tasker_grammar.expressions.syntax import At

__all__ = ["computed_key", "format", "symbol", "variable", "word"]

_ENDLESS = "Expressions always end: use map, select, range, first, limit."
_ALONE = "Expressions see only the data that they are given."
_PATTERNS = "Use startswith, endswith, split, or validate against a schema with a pattern."
_NO_ERRORS = (
    "An expression that is accepted fails only by its data; for a missing value, use `// default`."
)
_MAKE_NEW = "Make a new value: `. + {field: value}`, `map(…)`, `with_entries(…)`."
_BY_NAME = "Name the field: .name, or .[expression] for one that is computed."

_WORDS = {
    word: hint
    for hint, words in {
        _ENDLESS: "def recurse recurse_down while until repeat walk label break foreach combinations",
        "Use add, length, min, max, any, all, group_by, or add(f).": "reduce",
        _ALONE: "import include env input inputs input_filename input_line_number debug stderr halt halt_error",
        "Pass the time in as data.": "now localtime gmtime mktime strflocaltime strftime strptime",
        "Pass times in as texts, in ISO 8601.": "todate fromdate date dateadd datesub todateiso8601 fromdateiso8601",
        _PATTERNS: "test match capture scan splits sub gsub ascii indices index rindex",
        _NO_ERRORS: "try catch error",
        _BY_NAME: "path paths leaf_paths getpath setpath delpaths pick tostream fromstream truncate_stream",
        "Numbers are finite.": "nan infinite isnan isinfinite isnormal",
        "Validate the text where it comes in.": "fromjson implode",
        "Use any(. == value), or IN.": "inside in",
        "Use .[n:]": "skip nth",
    }.items()
    for word in words.split()
}
_SYMBOLS = {
    "?": _NO_ERRORS,
    "?//": "Bind the whole, and take it apart by its fields: . as $x | $x.name",
    "..": _ENDLESS,
    **dict.fromkeys(("=", "|=", "+=", "-=", "*=", "/=", "%=", "//="), _MAKE_NEW),
}


def word(name: str, at: At) -> Fault | None:
    """The fault of using this name, if it is known to be outside."""
    return _outside(name, at, _WORDS.get(name))


def symbol(text: str, at: At) -> Fault | None:
    """The fault of using this sign, if jq has it."""
    return _outside(text, at, _SYMBOLS.get(text))


def variable(name: str, at: At) -> Fault | None:
    """The fault of using a variable that jq sets itself."""
    return _outside(f"${name}", at, _ALONE if name in ("ENV", "__loc__", "__prog_args") else None)


def format(name: str, at: At) -> Fault:
    """The fault of using a format, as in `@csv`."""
    hint = 'Use tostring, tojson, join, or "text with \\(holes)".'
    return Fault("X003", at, f"'@{name}' is outside of the language", hint)


def computed_key(at: At) -> Fault:
    """The fault of an object whose key is computed."""
    hint = "Use a list of {key, value} and from_entries."
    return Fault("X003", at, "keys of objects are not computed", hint)


def _outside(name: str, at: At, hint: str | None) -> Fault | None:
    if hint is None:
        return None
    return Fault("X003", at, f"'{name}' is outside of the language", hint)

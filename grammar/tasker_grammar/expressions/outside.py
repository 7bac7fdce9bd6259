"""What jq has and this language has not, and what to write instead. Pure."""

from __future__ import annotations

from tasker_grammar.expressions.faults import Fault
from tasker_grammar.expressions.syntax import At

__all__ = ["computed_key", "format", "symbol", "variable", "word"]

_ENDLESS = "expressions always end: use map, select, range, first, limit"
_ALONE = "expressions see only the data that they are given"
_PATTERNS = "use startswith, endswith, split, or validate against a schema with a pattern"
_NO_ERRORS = (
    "an expression that is accepted fails only by its data; for a missing value, use `// default`"
)
_MAKE_NEW = "make a new value: `. + {field: value}`, `map(…)`, `with_entries(…)`"
_BY_NAME = "name the field: .name, or .[expression] for one that is computed"

_WORDS = {
    **dict.fromkeys(
        ("def", "recurse", "recurse_down", "while", "until", "repeat", "walk"), _ENDLESS
    ),
    **dict.fromkeys(("label", "break", "foreach", "inputs", "combinations"), _ENDLESS),
    "reduce": "use add, length, min, max, any, all, group_by, or add(f)",
    **dict.fromkeys(("import", "include", "modulemeta", "get_search_list"), _ALONE),
    **dict.fromkeys(("env", "input", "input_filename", "input_line_number", "stderr"), _ALONE),
    **dict.fromkeys(("debug", "halt", "halt_error", "getpath", "builtins"), _ALONE),
    **dict.fromkeys(
        ("now", "localtime", "strflocaltime", "mktime", "gmtime"), "pass the time in as data"
    ),
    **dict.fromkeys(
        ("todate", "fromdate", "date", "dateadd", "datesub"), "pass times as texts, in ISO 8601"
    ),
    **dict.fromkeys(
        ("strftime", "strptime", "fromdateiso8601", "todateiso8601"), "pass times as texts"
    ),
    **dict.fromkeys(
        ("test", "match", "capture", "scan", "splits", "sub", "gsub", "ascii"), _PATTERNS
    ),
    **dict.fromkeys(("try", "catch", "error"), _NO_ERRORS),
    **dict.fromkeys(("path", "paths", "leaf_paths", "setpath", "delpaths", "pick"), _BY_NAME),
    **dict.fromkeys(
        ("to_array", "tostream", "fromstream", "truncate_stream", "limit_stream"), _BY_NAME
    ),
    **dict.fromkeys(("getpath", "input_line_number", "splits", "ltrimstr_all"), _BY_NAME),
    **dict.fromkeys(("nan", "infinite", "isnan", "isinfinite", "isnormal"), "numbers are finite"),
    **dict.fromkeys(("fromjson", "ascii", "implode"), "validate the text where it comes in"),
    **dict.fromkeys(("__loc__", "input", "$__prog_args", "splits"), _ALONE),
}
_SYMBOLS = {
    "?": _NO_ERRORS,
    "?//": "bind the whole, and take it apart by its fields: . as $x | $x.name",
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
    hint = 'use tostring, tojson, join, or "text with \\(holes)"'
    return Fault("X003", at, f"'@{name}' is outside of the language", hint)


def computed_key(at: At) -> Fault:
    """The fault of an object whose key is computed."""
    hint = "use a list of {key, value} and from_entries"
    return Fault("X003", at, "keys of objects are not computed", hint)


def _outside(name: str, at: At, hint: str | None) -> Fault | None:
    if hint is None:
        return None
    return Fault("X003", at, f"'{name}' is outside of the language", hint)

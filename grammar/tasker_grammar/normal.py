"""One form of JSON values: as PostgreSQL's jsonb gives them back. Pure.

What a run was given from outside is kept as jsonb, and a run that begins anew gets it from there: with other numbers
and another order of keys than it came in. Expressions can tell (`tostring`, `.[]` of an object). So both see this form.
"""

from __future__ import annotations

from typing import Any, cast

__all__ = ["normalize"]

_WRITTEN_WITH_EXPONENT = 1e16
"""A number without a fraction that is at least so large is written with an exponent, which jsonb does not keep."""
_INTEGERS = 2**63


def normalize(value: Any) -> Any:
    """The value as it comes out of a jsonb column. Parts of it are shared with what is given, which is not changed."""
    match value:
        case dict():
            fields = cast("dict[str, Any]", value)
            return {name: normalize(fields[name]) for name in sorted(fields, key=_place)}
        case list():
            return [normalize(item) for item in cast("list[Any]", value)]
        case float() if not value:
            return 0.0  # there is no -0 in a numeric
        case float() if _WRITTEN_WITH_EXPONENT <= abs(value) < _INTEGERS:
            return int(value)
        case _:
            return value


def _place(name: str) -> tuple[int, bytes]:
    written = name.encode("utf-8", "surrogatepass")
    return len(written), written

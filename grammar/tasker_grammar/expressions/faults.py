"""How an expression is found wrong: one finding that stops the reading of it. Pure."""

from __future__ import annotations

from tasker_grammar.expressions.syntax import At
from tasker_grammar.findings import Finding

__all__ = ["Fault"]


class Fault(Exception):
    """Reading cannot go on. Never leaves this package: `check` gives its finding."""

    def __init__(
        self,
        code: str,
        at: At,
        message: str,
        hint: str = "",
        *,
        expected: str | None = None,
        got: str | None = None,
    ) -> None:
        super().__init__(message)
        self.finding = Finding(code, "error", message, hint, at=at, expected=expected, got=got)

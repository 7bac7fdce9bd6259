"""What a check has to say, as data: one finding for each thing that is wrong. Pure.

Whoever wrote what was checked, a person or a model, mends it by what stands here: so a finding says where, what,
what was expected, what was found, and how to go on. `codes` lists the kinds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

__all__ = ["Finding", "GrammarError", "Severity", "is_sound"]

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to be said about an expression, a composition, a fragment or resources.

    `path` leads to it as a JSON pointer (RFC 6901) into what was checked: "/steps/2/params". `step` is the id of the
    step that it is in, dotted where steps hold steps: "each.fetched". `at` is the place in an expression's text, as
    the first character and the one after the last, from 0. `expected` and `got` are types or names in words.
    """

    code: str
    severity: Severity
    message: str
    hint: str = ""
    path: str = ""
    step: str | None = None
    at: tuple[int, int] | None = None
    expected: str | None = None
    got: str | None = None

    def __str__(self) -> str:
        place = self.path or "/"
        return f"{place}: {self.severity}: {f'{self.message}. {self.hint}'.rstrip()} [{self.code}]"

    def below(self, path: str, step: str | None = None) -> Finding:
        """The same, found in a part that stands at `path` of the whole, and in this step of it."""
        steps = ".".join(name for name in (step, self.step) if name)
        return replace(self, path=path + self.path, step=steps or None)

    def as_json(self) -> dict[str, Any]:
        """Its fields, without those that say nothing."""
        return {name: value for name, value in asdict(self).items() if value not in (None, "")}


class GrammarError(ValueError):
    """What was given is not sound, and nothing was done with it. `findings` holds everything wrong with it."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(map(str, self.findings)))


def is_sound(findings: Iterable[Finding]) -> bool:
    """Whether there is no error among them."""
    return all(finding.severity != "error" for finding in findings)

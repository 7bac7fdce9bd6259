"""Where steps are checked: what is the same for a whole check, and what a list of steps is surrounded by. Pure but for
the findings that it collects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tasker_grammar.catalog import Catalog
from tasker_grammar.checking.codes import CODES
from tasker_grammar.checking.reading import Kinds
from tasker_grammar.composition import Bounds
from tasker_grammar.findings import Finding
from tasker_grammar.resources import Resources
from tasker_grammar.types import Object

__all__ = ["DEEPEST", "Check", "Place", "rank_of"]

DEEPEST = 8
"""How deep steps may stand within steps, and compositions within compositions."""


@dataclass(slots=True)
class Check:
    """One check: what it goes by, and what it has found so far."""

    resources: Resources
    compositions: Catalog
    bounds: Bounds
    kinds: Kinds
    findings: list[Finding] = field(default_factory=list[Finding])
    steps: int = 0
    """How many steps were counted so far."""

    @property
    def errors(self) -> int:
        """How many errors were found so far."""
        return sum(finding.severity == "error" for finding in self.findings)

    def report(
        self,
        code: str,
        path: str,
        step: str | None,
        message: str,
        hint: str = "",
        *,
        expected: str | None = None,
        got: str | None = None,
    ) -> None:
        """Add a finding."""
        severity = CODES[code].severity
        self.findings.append(
            Finding(code, severity, message, hint, path, step, expected=expected, got=got)
        )


@dataclass(frozen=True, slots=True)
class Place:
    """What surrounds a list of steps.

    `path` leads to the list. `step`: the step that they stand in, if they do. `given`: what expressions see beside the
    steps. `gated`: a gate was passed before, in every way. `labels`: by field of `given`, how confidential it is;
    `control`: how confidential is, whether they run at all. `fragment`: they are proposed, so they may name less.
    `inside`: the compositions that they stand in, and `depth` how many steps. `broken`: what expressions would see,
    were it sound. `taken`: names that steps cannot have.
    """

    path: str
    given: Object
    step: str | None = None
    gated: bool = False
    labels: Mapping[str, int] = field(default_factory=dict[str, int])
    control: int = 0
    fragment: bool = False
    inside: Sequence[str] = ()
    depth: int = 0
    broken: frozenset[str] = frozenset()
    taken: frozenset[str] = frozenset()

    def name_of(self, step: str) -> str:
        """The name of a step in it, dotted with those that it stands in."""
        return f"{self.step}.{step}" if self.step else step


def rank_of(label: str | None, resources: Resources) -> int:
    """How confidential a label is: 0 for none and for the most public; the more, the more."""
    if label is None:
        return 0
    labels = resources.labels
    return labels.index(label) if label in labels else len(labels)

"""The catalog: compositions by name, those that come with Tasker (one file each, beside this one) and a user's own.

Reads the files of this folder when it is first asked for them, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import yaml

from tasker_grammar.composition import Composition
from tasker_grammar.filling import find_parameter_faults
from tasker_grammar.findings import Finding
from tasker_grammar.telling import did_you_mean, show

_WHERE = (
    "List them: tasker composition list. Give your own with --compositions, or as compositions=."
)

__all__ = ["Catalog", "bundled", "extend"]


@dataclass(frozen=True, slots=True)
class Catalog:
    """Compositions that may be used by name. No two have both their name and their version in common."""

    compositions: tuple[Composition, ...]

    def __iter__(self) -> Iterator[Composition]:
        return iter(self.compositions)

    @property
    def names(self) -> list[str]:
        """What there is to name, without versions."""
        return list(dict.fromkeys(each.name for each in self.compositions))

    def find(self, reference: str) -> Composition | None:
        """What "name@version" means; "name" alone means its latest version."""
        name, _, version = reference.partition("@")
        found = [each for each in self.compositions if each.name == name]
        if version:
            found = [each for each in found if each.version == version]
        return max(found, key=lambda each: _order(each.version), default=None)

    def find_or_explain(self, reference: object) -> Composition | Finding:
        """As `find`; and what to say where there is no such composition (R504)."""
        if isinstance(reference, str) and (found := self.find(reference)):
            return found
        name = str(reference).partition("@")[0]
        versions = [each.version for each in self.compositions if each.name == name]
        if versions:
            what = f"{name} has no such version as {show(reference)}"
            hint = f"There are: {', '.join(versions)}."
        else:
            what = f"there is no composition {show(reference)}"
            hint = did_you_mean(name, self.names) or _WHERE
        return Finding("R504", "error", what, hint)


@lru_cache(maxsize=1)
def bundled() -> Catalog:
    """The compositions that come with Tasker."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    own = sorted(
        (each for each in files("tasker_grammar.catalog").iterdir() if each.name.endswith(".yaml")),
        key=lambda each: each.name,
    )
    texts = (each.read_text("utf-8") for each in own)
    return Catalog(tuple(Composition.model_validate(yaml.load(text, loader)) for text in texts))


def extend(
    catalog: Catalog, own: Iterable[Composition]
) -> tuple[Catalog, list[tuple[int, Finding]]]:
    """A catalog with a user's own compositions added, and what is wrong with them: by their place among `own`.

    One that takes a name which is there already is not added: a template would mean another thing from then on.
    """
    theirs = {each.name for each in catalog}
    kept = list(catalog.compositions)
    taken = {(each.name, each.version) for each in kept}
    findings: list[tuple[int, Finding]] = []
    for index, each in enumerate(own):
        if each.name in theirs:
            what = f'"{each.name}" is the name of a composition that comes with Tasker'
            findings.append((index, _taken("P107", what)))
        elif (each.name, each.version) in taken:
            what = f"{each.name}@{each.version} is there twice"
            findings.append((index, _taken("P106", what)))
        else:
            kept.append(each)
            taken.add((each.name, each.version))
        findings += [(index, fault) for fault in find_parameter_faults(each)]
    return Catalog(tuple(kept)), findings


def _taken(code: str, what: str) -> Finding:
    return Finding(code, "error", what, "Choose another name, or another version.", "/name")


def _order(version: str) -> tuple[tuple[int, int, str], ...]:
    """What puts 1.10.0 after 1.9.0, and 1.0.0 after 1.0.0-rc1."""
    numbers, dash, rest = version.partition("-")
    parts = [
        (1, int(part), "") if part.isdecimal() else (0, 0, part) for part in numbers.split(".")
    ]
    return (*parts, (0, 0, rest) if dash else (1, 0, ""))

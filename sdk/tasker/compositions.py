"""A user's own compositions, loaded from YAML or JSON files, beside those that come with Tasker; and their arguments.

A document is a composition. Whether it is sound is not said here: that depends on the resources. Reads the files given.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel, TypeAdapter, ValidationError

from tasker.errors import CompositionError, DefinitionError, LocatedFinding
from tasker.grammar_files import NOT_READ, list_files, locate, read_file, read_problems
from tasker.schemas import accepted_schema
from tasker.yaml_source import Document
from tasker_grammar.catalog import Catalog, bundled, extend
from tasker_grammar.composition import Composition
from tasker_grammar.filling import fill
from tasker_grammar.findings import Finding
from tasker_grammar.shape import shape_findings

__all__ = [
    "ExpressionText",
    "Loaded",
    "SchemaLike",
    "bind",
    "examine_compositions",
    "load_compositions",
    "read_compositions",
]

ExpressionText = str | float | bool
"""An expression, in jq; a number or a truth value stands for itself."""

SchemaLike = str | bool | Mapping[str, Any] | type[BaseModel]
"""A contract: a name among the resources, a JSON Schema, or a pydantic model."""


def bind(
    reference: str, arguments: Mapping[str, Any], catalog: Catalog | None = None
) -> Composition:
    """The composition "name" or "name@version" with its parameters filled in, from a catalog or Tasker's own.

    An argument that is None is not given; a pydantic model stands for its schema. Raises `DefinitionError` with
    everything that does not fit.
    """
    composition = (catalog or bundled()).find_or_explain(reference)
    if isinstance(composition, Finding):
        raise DefinitionError(f"{composition.message}. {composition.hint}")
    given = {name: _plain(value) for name, value in arguments.items() if value is not None}
    filled = fill(composition, given)
    if isinstance(filled, list):
        raise DefinitionError("\n".join(map(str, filled)))
    return filled


def load_compositions(paths: Iterable[str | Path]) -> Catalog:
    """The catalog that comes with Tasker, with what is in these files, and in those below these folders.

    Raises `CompositionError` with everything that is wrong, in whichever file.
    """
    catalog, findings = examine_compositions(paths)
    if any(each.finding.severity == "error" for each in findings):
        raise CompositionError(findings)
    return catalog


@dataclass(frozen=True, slots=True)
class Loaded:
    """A composition, and the document that it was read from."""

    composition: Composition
    document: Document
    file: str

    def locate(self, finding: Finding) -> LocatedFinding:
        """A finding about it, with its line."""
        return locate(finding, self.document, self.file)


def examine_compositions(paths: Iterable[str | Path]) -> tuple[Catalog, list[LocatedFinding]]:
    """As `load_compositions`, without raising: what is broken is left out, and told."""
    loaded, findings = read_compositions(paths)
    catalog, faults = extend(bundled(), (each.composition for each in loaded))
    return catalog, [*findings, *(loaded[index].locate(fault) for index, fault in faults)]


def read_compositions(paths: Iterable[str | Path]) -> tuple[list[Loaded], list[LocatedFinding]]:
    """The compositions in these files, and in those below these folders, each by itself; and what could not be read."""
    loaded: list[Loaded] = []
    findings: list[LocatedFinding] = []
    for path in map(Path, paths):
        files = list_files(path)
        for file in files:
            documents = [each for each in read_file(file) if each.data is not None or each.problems]
            if not documents:
                empty = Finding(NOT_READ, "error", "there is no composition in it", "Write one.")
                findings.append(LocatedFinding(str(file), 1, empty))
            for document in documents:
                match _read(document, str(file)):
                    case Loaded() as composition:
                        loaded.append(composition)
                    case faults:
                        findings += faults
        if not files:
            nothing = Finding(NOT_READ, "error", "there is no YAML or JSON file below", "Add one.")
            findings.append(LocatedFinding(str(path), 1, nothing))
    return loaded, findings


def _read(document: Document, file: str) -> Loaded | list[LocatedFinding]:
    if problems := read_problems(document, file):
        return problems
    try:
        return Loaded(Composition.model_validate(document.data), document, file)
    except ValidationError as error:
        return [locate(each, document, file) for each in shape_findings(error, Composition)]


def _plain(value: Any) -> Any:
    match value:
        case type() if issubclass(value, BaseModel):
            return accepted_schema(TypeAdapter[Any](value))
        case Mapping():
            return dict(cast("Mapping[str, Any]", value))
        case _:
            return value

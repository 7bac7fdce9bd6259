"""Loads a user's own compositions from YAML or JSON files, beside those that come with Tasker. Reads the files given.

A document is a composition. Whether it is sound is not said here: that depends on arguments and resources.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import ValidationError

from tasker.errors import TemplateError, TemplateFinding
from tasker.grammar_files import NOT_READ, list_files, locate, read_file, read_problems
from tasker.yaml_source import Document
from tasker_grammar.catalog import Catalog, bundled, extend
from tasker_grammar.composition import Composition
from tasker_grammar.shape import shape_findings

__all__ = ["examine_compositions", "load_compositions"]


def load_compositions(paths: Iterable[str | Path]) -> Catalog:
    """The catalog that comes with Tasker, with what is in these files, and in those below these folders.

    Raises `TemplateError` with everything that is wrong, in whichever file.
    """
    catalog, findings = examine_compositions(paths)
    if any(finding.severity == "error" for finding in findings):
        raise TemplateError(findings)
    return catalog


def examine_compositions(paths: Iterable[str | Path]) -> tuple[Catalog, list[TemplateFinding]]:
    """As `load_compositions`, without raising: what is broken is left out, and told."""
    findings: list[TemplateFinding] = []
    found: list[tuple[Composition, Document, Path]] = []
    for path in map(Path, paths):
        for file in list_files(path):
            for document in read_file(file):
                match _read(document, file):
                    case Composition() as composition:
                        found.append((composition, document, file))
                    case faults:
                        findings += faults
        if path.is_dir() and not list_files(path):
            what = "there is no YAML or JSON file below"
            findings.append(TemplateFinding((), what, "Add one.", NOT_READ, "error", str(path), 1))
    catalog, faults = extend(bundled(), (composition for composition, _, _ in found))
    findings += [locate(fault, *found[index][1:]) for index, fault in faults]
    return catalog, findings


def _read(document: Document, file: Path) -> Composition | Iterator[TemplateFinding]:
    if problems := read_problems(document, file):
        return iter(problems)
    try:
        return Composition.model_validate(document.data)
    except ValidationError as error:
        return (locate(each, document, file) for each in shape_findings(error, Composition))

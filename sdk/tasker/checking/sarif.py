"""Findings as SARIF 2.1.0, which forges and editors read. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tasker.checking.codes import CODES
from tasker.errors import LocatedFinding, Severity, TemplateFinding
from tasker_grammar.checking.codes import CODES as GRAMMAR_CODES
from tasker_grammar.findings import Finding

__all__ = ["AnyFinding", "make_sarif"]

AnyFinding = TemplateFinding | LocatedFinding | Finding
"""What is said of a template, or of compositions, fragments and resources; without a file, of what has none."""

_LEVELS: Mapping[Severity, str] = {"error": "error", "warning": "warning", "info": "note"}


@dataclass(frozen=True, slots=True)
class _Told:
    """What SARIF takes of a finding. `place` is dotted, `region` where it stands in a file."""

    code: str
    severity: Severity
    text: str
    place: str
    region: dict[str, Any] | None = None


def make_sarif(findings: Sequence[AnyFinding]) -> dict[str, Any]:
    """A log with one run, a rule for each code among the findings, and a result for each finding."""
    told = [_read(finding) for finding in findings]
    codes = sorted({each.code for each in told})
    driver = {
        "name": "tasker",
        "version": version("tasker-pg"),
        "rules": [_make_rule(code) for code in codes],
    }
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "columnKind": "unicodeCodePoints",
                "results": [_make_result(each, codes) for each in told],
            }
        ],
    }


def _make_rule(code: str) -> dict[str, Any]:
    about = CODES[code] if code in CODES else GRAMMAR_CODES[code]
    return {
        "id": code,
        "shortDescription": {"text": about.title},
        "help": {"text": f"tasker template explain {code}"},
        "defaultConfiguration": {"level": _LEVELS[about.severity]},
    }


def _read(finding: AnyFinding) -> _Told:
    match finding:
        case TemplateFinding():
            place = ".".join(map(str, finding.path))
            region = _region(finding.file, finding.line)
            return _Told(
                finding.code,
                finding.severity,
                f"{finding.what}. {finding.mend}".rstrip(),
                place,
                region,
            )
        case LocatedFinding(file, line, found):
            return replace(_read(found), region=_region(file, line))
        case Finding():
            place = ".".join(finding.path.strip("/").split("/"))
            text = f"{finding.message}. {finding.hint}".rstrip()
            return _Told(finding.code, finding.severity, text, place)


def _region(file: str, line: int) -> dict[str, Any]:
    return {"artifactLocation": {"uri": _make_uri(file)}, "region": {"startLine": line}}


def _make_result(told: _Told, codes: Sequence[str]) -> dict[str, Any]:
    location: dict[str, Any] = {}
    if told.region is not None:
        location["physicalLocation"] = told.region
    if told.place:
        location["logicalLocations"] = [{"fullyQualifiedName": told.place}]
    return {
        "ruleId": told.code,
        "ruleIndex": codes.index(told.code),
        "level": _LEVELS[told.severity],
        "message": {"text": told.text},
        "locations": [location],
    }


def _make_uri(file: str) -> str:
    path = Path(file)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())

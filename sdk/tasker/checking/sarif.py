"""Findings as SARIF 2.1.0, which forges and editors read. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tasker.checking.codes import CODES
from tasker.errors import Severity, TemplateFinding

__all__ = ["make_sarif"]

_LEVELS: Mapping[Severity, str] = {"error": "error", "warning": "warning", "info": "note"}


def make_sarif(findings: Sequence[TemplateFinding]) -> dict[str, Any]:
    """A log with one run, a rule for each code among the findings, and a result for each finding."""
    codes = sorted({finding.code for finding in findings})
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
                "results": [_make_result(finding, codes) for finding in findings],
            }
        ],
    }


def _make_rule(code: str) -> dict[str, Any]:
    about = CODES[code]
    return {
        "id": code,
        "shortDescription": {"text": about.title},
        "help": {"text": f"tasker template explain {code}"},
        "defaultConfiguration": {"level": _LEVELS[about.severity]},
    }


def _make_result(finding: TemplateFinding, codes: Sequence[str]) -> dict[str, Any]:
    path = ".".join(map(str, finding.path))
    return {
        "ruleId": finding.code,
        "ruleIndex": codes.index(finding.code),
        "level": _LEVELS[finding.severity],
        "message": {"text": f"{finding.what}. {finding.mend}".rstrip()},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": _make_uri(finding.file)},
                    "region": {"startLine": finding.line},
                },
                **({"logicalLocations": [{"fullyQualifiedName": path}]} if path else {}),
            }
        ],
    }


def _make_uri(file: str) -> str:
    path = Path(file)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())

"""One difference between two versions of a template, as a value. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["CODES", "Change", "Sort", "Who"]

Sort = Literal["added", "removed", "renamed", "narrowed", "widened", "changed"]
Who = Literal["callers", "readers", "handlers", "nobody"]
"""Callers submit tasks; readers read results; handlers are the code that is deployed for the old version."""

Path = tuple[str, ...]

CODES = {
    "name": "The namespace or the name is another.",
    "input": "What tasks take.",
    "result": "What a step gives.",
    "step": "A step has come, gone, or has another name.",
    "branch": "What a decision chooses from.",
    "last-steps": "The steps whose results are the task's.",
    "step-input": "What a step takes.",
    "dependency": "What a step waits for.",
    "kind": "What sort of step it is.",
    "handler": "The handler that runs it.",
    "queue": "The queue that it goes to.",
    "config": "What its handler finds in the context's config.",
    "compensation": "What undoes it.",
    "expands": "The dynamic steps that it may ask for.",
    "policy": "Retries, time limits, limits, and what becomes of failures.",
    "text": "Descriptions and metadata.",
}
"""What each code of a change is about. Codes do not change."""


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: where (as in ("steps", "ship", "queue")), what it is, and who it breaks."""

    code: str
    sort: Sort
    path: Path
    breaks: Who
    what: str

    def to_json(self) -> dict[str, Any]:
        """The change as `tasker template diff -o json` gives it."""
        return {
            "code": self.code,
            "sort": self.sort,
            "path": list(self.path),
            "breaks": self.breaks,
            "what": self.what,
        }

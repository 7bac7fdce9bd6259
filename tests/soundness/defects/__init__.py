"""Defects for every code that the checker has, by code: DEFECTS."""

from tests.soundness.defects import (
    bounds,
    contracts,
    effects,
    expressions,
    graph,
    resources,
    written,
)
from tests.soundness.defects.seeding import DEFECTS, Defect

__all__ = [
    "DEFECTS",
    "Defect",
    "bounds",
    "contracts",
    "effects",
    "expressions",
    "graph",
    "resources",
    "written",
]

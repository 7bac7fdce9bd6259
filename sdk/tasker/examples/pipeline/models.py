"""What the pipeline's steps take and give. Lengths are millimetres, masses grams."""

from __future__ import annotations

from pydantic import BaseModel

from tasker.examples.pipeline.moments import Moments

__all__ = ["Birds", "Finding", "Overall", "Penguin", "Source", "Summary"]


class Source(BaseModel):
    """The task's input: which file to read. None: the one that comes with this package."""

    path: str | None = None


class Penguin(BaseModel):
    """One bird. None where a measurement was not taken."""

    bill_length_mm: float | None
    bill_depth_mm: float | None
    flipper_length_mm: float | None
    body_mass_g: float | None


class Birds(BaseModel):
    """The birds in the file, by species."""

    by_species: dict[str, list[Penguin]]


class Summary(BaseModel):
    """One species. `bill` holds bill length (x) and depth (y), `body` flipper (x) and mass (y)."""

    species: str
    seen: int
    measured: int
    bill: Moments
    body: Moments


class Overall(BaseModel):
    """All species together."""

    seen: int
    measured: int
    bill: Moments
    body: Moments


class Finding(BaseModel):
    """The task's result.

    `means` has, by species, bill length, bill depth, flipper length and mass; `correlations` that
    of bill length and depth, by species and under "all".
    """

    seen: int
    measured: int
    means: dict[str, tuple[float, float, float, float]]
    correlations: dict[str, float]
    text: str

"""The numbers published with the data, and whether a finding agrees with them. Pure.

Counts and means by species are those in the README of the R package palmerpenguins
(doi:10.5281/zenodo.3960218), to the digits printed there: bill length, bill depth, flipper length
(mm) and body mass (g). So they were computed by other people, with other software, from the same
birds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tasker.examples.pipeline.models import Finding

__all__ = ["PUBLISHED_COUNT", "PUBLISHED_MEANS", "Disagreement", "compare_with_published"]

PUBLISHED_COUNT = 344
PUBLISHED_MEANS: Mapping[str, tuple[float, float, float, float]] = {
    "Adelie": (38.8, 18.3, 190.0, 3701.0),
    "Chinstrap": (48.8, 18.4, 196.0, 3733.0),
    "Gentoo": (47.5, 15.0, 217.0, 5076.0),
}
_PRINTED_TO = (0.1, 0.1, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A number that is not the published one."""

    what: str
    published: float
    found: float

    def __str__(self) -> str:
        return f"{self.what}: published {self.published}, found {self.found}"


def compare_with_published(finding: Finding) -> list[Disagreement]:
    """List where a finding differs from what was published by more than the rounding there. Empty:
    it agrees.
    """
    wrong: list[Disagreement] = []
    if finding.seen != PUBLISHED_COUNT:
        wrong.append(Disagreement("penguins", PUBLISHED_COUNT, finding.seen))
    for species, published in PUBLISHED_MEANS.items():
        means = finding.means.get(species, (0.0,) * 4)
        for number, (expected, found, unit) in enumerate(
            zip(published, means, _PRINTED_TO, strict=True), start=1
        ):
            # Half a unit of the last printed digit, and a hair for the binary digits.
            if abs(expected - found) > unit / 2 + 1e-9:
                wrong.append(Disagreement(f"{species}, mean {number}", expected, found))
    return wrong

"""A data pipeline over real measurements: read, summarise by species, combine, report.

What it finds is a small surprise: over all penguins a longer bill is a shallower one, within each
species a deeper one. The data and its licence (CC0) are in `data/`. Run a worker with `tasker
worker tasker.examples.pipeline`.
"""

from tasker.examples.pipeline.models import Birds, Finding, Overall, Penguin, Source, Summary
from tasker.examples.pipeline.moments import Moments
from tasker.examples.pipeline.published import Disagreement, compare_with_published
from tasker.examples.pipeline.workflow import (
    adelie,
    chinstrap,
    combine,
    extract,
    gentoo,
    penguins,
    report,
)

__all__ = [
    "Birds",
    "Disagreement",
    "Finding",
    "Moments",
    "Overall",
    "Penguin",
    "Source",
    "Summary",
    "adelie",
    "chinstrap",
    "combine",
    "compare_with_published",
    "extract",
    "gentoo",
    "penguins",
    "report",
]

"""The pipeline on a database, its result against `statistics` and against what was published."""

import statistics

import pytest
from tests.examples.support import measured

from tasker.examples.pipeline import Finding, Source, compare_with_published, penguins
from tasker.testing import Tasker


def test_finding_agrees_with_the_standard_library_and_with_the_published(tasker: Tasker) -> None:
    task = tasker.submit(penguins, Source())
    finding = task.result(Finding)

    assert compare_with_published(finding) == []
    assert (finding.seen, finding.measured) == (344, len(measured()))
    for species in ("Adelie", "Chinstrap", "Gentoo"):
        columns = list(zip(*measured(species), strict=True))
        assert finding.means[species] == pytest.approx([statistics.mean(c) for c in columns])
        r = statistics.correlation(columns[0], columns[1])
        assert finding.correlations[species] == pytest.approx(r)
    lengths, depths, _, _ = zip(*measured(), strict=True)
    assert finding.correlations["all"] == pytest.approx(statistics.correlation(lengths, depths))
    assert {step["name"]: step["depends_on"] for step in task.steps()}["combine"] == [
        "adelie",
        "chinstrap",
        "gentoo",
    ]

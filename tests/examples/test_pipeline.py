"""The pipeline on a database, its result against `statistics` and against what was published."""

import asyncio
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from tests.examples.support import measured, serving

from tasker.examples.pipeline import Finding, Source, compare_with_published, penguins


def run(database: str, source: Source) -> tuple[Finding, Sequence[Mapping[str, Any]]]:
    async def main() -> tuple[Finding, Sequence[Mapping[str, Any]]]:
        async with serving(database, penguins) as client:
            task = await client.submit(penguins, source)
            return await task.result(Finding, timeout=30), await task.steps()

    return asyncio.run(main())


def test_finding_agrees_with_the_standard_library_and_with_the_published(database: str) -> None:
    finding, steps = run(database, Source())

    assert compare_with_published(finding) == []
    assert (finding.seen, finding.measured) == (344, len(measured()))
    for species in ("Adelie", "Chinstrap", "Gentoo"):
        columns = list(zip(*measured(species), strict=True))
        assert finding.means[species] == pytest.approx([statistics.mean(c) for c in columns])
        r = statistics.correlation(columns[0], columns[1])
        assert finding.correlations[species] == pytest.approx(r)
    lengths, depths, _, _ = zip(*measured(), strict=True)
    assert finding.correlations["all"] == pytest.approx(statistics.correlation(lengths, depths))
    assert {step["name"]: step["depends_on"] for step in steps}["combine"] == [
        "adelie",
        "chinstrap",
        "gentoo",
    ]

"""The pipeline's handlers against `statistics` and the numbers published with the data.

The expected values never touch the pipeline's own code: they are computed from the other file's
rows, or straight from the CSV, with the standard library.
"""

import asyncio
import math
import statistics
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.examples.support import DATA, measured

from tasker import PermanentError
from tasker.examples.pipeline import (
    Birds,
    Finding,
    Moments,
    Source,
    adelie,
    chinstrap,
    combine,
    compare_with_published,
    extract,
    gentoo,
    report,
)
from tasker.examples.pipeline.moments import merge


def found() -> Finding:
    """Run the whole pipeline by hand."""
    birds = extract(Source())
    parts = (adelie(birds), chinstrap(birds), gentoo(birds))
    return asyncio.run(report(asyncio.run(combine(*parts)), *parts))


def test_file_is_the_published_one() -> None:
    digest = sha256((DATA / "penguins_raw.csv").read_bytes()).hexdigest()
    assert digest in (DATA / "LICENSE.md").read_text(encoding="utf-8")


def test_extract_sorts_every_bird_by_species() -> None:
    counts = {name: len(birds) for name, birds in extract(Source()).by_species.items()}
    assert counts == {"Adelie": 152, "Chinstrap": 68, "Gentoo": 124}


@pytest.mark.parametrize("content", ["a,b\n1,2\n", "Species,Culmen Length (mm)\nAdelie,wide\n"])
def test_file_that_is_no_table_of_penguins_is_permanent(tmp_path: Path, content: str) -> None:
    path = tmp_path / "other.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(PermanentError, match=r"other\.csv"):
        extract(Source(path=str(path)))


def test_bird_without_measurements_is_seen_and_not_measured() -> None:
    summary = adelie(extract(Source()))
    assert (summary.seen, summary.measured) == (152, 151)


def test_species_that_is_not_there_is_empty() -> None:
    summary = gentoo(Birds(by_species={}))
    assert (summary.seen, summary.bill) == (0, Moments())


@pytest.mark.parametrize("species", ["Adelie", "Chinstrap", "Gentoo"])
def test_means_and_correlation_of_a_species_agree_with_the_standard_library(species: str) -> None:
    columns = list(zip(*measured(species), strict=True))
    finding = found()
    assert finding.means[species] == pytest.approx([statistics.mean(column) for column in columns])
    expected = statistics.correlation(columns[0], columns[1])
    assert finding.correlations[species] == pytest.approx(expected)


def test_combined_moments_agree_with_all_birds_taken_at_once() -> None:
    columns = list(zip(*measured(), strict=True))
    birds = extract(Source())
    overall = asyncio.run(combine(adelie(birds), chinstrap(birds), gentoo(birds)))
    assert (overall.seen, overall.measured) == (344, 342)
    assert overall.bill.correlation == pytest.approx(statistics.correlation(columns[0], columns[1]))
    assert overall.body.correlation == pytest.approx(statistics.correlation(columns[2], columns[3]))
    assert (overall.bill.mean_x, overall.body.mean_y) == pytest.approx(
        (statistics.mean(columns[0]), statistics.mean(columns[3]))
    )


def test_correlation_turns_round_within_the_species() -> None:
    correlations = found().correlations
    assert correlations["all"] < -0.2
    assert min(correlations[name] for name in ("Adelie", "Chinstrap", "Gentoo")) > 0.3


def test_finding_agrees_with_what_was_published() -> None:
    assert compare_with_published(found()) == []


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"seen": 343}, "penguins"),
        ({"means": {}}, "Adelie, mean 1"),
        ({"means": found().means | {"Gentoo": (47.5, 15.0, 217.0, 5077.0)}}, "Gentoo, mean 4"),
    ],
)
def test_finding_that_differs_from_the_published_is_told(
    change: dict[str, object], what: str
) -> None:
    wrong = compare_with_published(found().model_copy(update=change))
    assert what in [disagreement.what for disagreement in wrong]


numbers = st.floats(-1e6, 1e6).map(lambda number: round(number, 3))


@given(st.lists(st.lists(st.tuples(numbers, numbers), max_size=8), max_size=5))
def test_moments_of_parts_merge_to_the_moments_of_the_whole(
    parts: list[list[tuple[float, float]]],
) -> None:
    pairs = [pair for part in parts for pair in part]
    merged = merge(Moments.of(part) for part in parts)
    assert merged.count == len(pairs)
    if len(pairs) > 1:
        xs, ys = zip(*pairs, strict=True)
        assert merged.mean_x == pytest.approx(statistics.fmean(xs), abs=1e-6)
        assert merged.squares_y / (len(pairs) - 1) == pytest.approx(
            statistics.variance(ys), rel=1e-6, abs=1e-6
        )
        covariance = statistics.covariance(xs, ys)
        assert merged.products / (len(pairs) - 1) == pytest.approx(covariance, rel=1e-6, abs=1e-3)


def test_correlation_of_what_does_not_vary_is_not_a_number() -> None:
    assert math.isnan(Moments.of([(1.0, 2.0), (1.0, 3.0)]).correlation)

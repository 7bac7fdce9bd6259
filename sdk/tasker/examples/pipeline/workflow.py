"""The pipeline's steps.

    extract ─┬─ adelie ────┬─ combine ─┐
             ├─ chinstrap ─┤           ├─ report
             └─ gentoo ────┴───────────┘

The species are summarised side by side, by whichever workers are free. `combine` never sees a bird:
it puts the parts' moments together.
"""

from __future__ import annotations

from tasker import Workflow
from tasker.examples.pipeline.models import Birds, Finding, Overall, Penguin, Source, Summary
from tasker.examples.pipeline.moments import Moments, merge
from tasker.examples.pipeline.source import read_birds

__all__ = ["adelie", "chinstrap", "combine", "extract", "gentoo", "penguins", "report"]

penguins = Workflow("penguin_sizes", namespace="science", version="1.0.0", input=Source)


@penguins.step
def extract(input: Source) -> Birds:
    """Read the measurements and sort them by species."""
    return read_birds(input.path)


@penguins.step
def adelie(extract: Birds) -> Summary:
    """Summarise the Adélie penguins."""
    return _summarise("Adelie", extract)


@penguins.step
def chinstrap(extract: Birds) -> Summary:
    """Summarise the chinstrap penguins."""
    return _summarise("Chinstrap", extract)


@penguins.step
def gentoo(extract: Birds) -> Summary:
    """Summarise the gentoo penguins."""
    return _summarise("Gentoo", extract)


@penguins.step
async def combine(adelie: Summary, chinstrap: Summary, gentoo: Summary) -> Overall:
    """Put the species together."""
    parts = (adelie, chinstrap, gentoo)
    return Overall(
        seen=sum(part.seen for part in parts),
        measured=sum(part.measured for part in parts),
        bill=merge(part.bill for part in parts),
        body=merge(part.body for part in parts),
    )


@penguins.step
async def report(combine: Overall, adelie: Summary, chinstrap: Summary, gentoo: Summary) -> Finding:
    """Say what was found."""
    parts = (adelie, chinstrap, gentoo)
    correlations = {part.species: part.bill.correlation for part in parts} | {
        "all": combine.bill.correlation
    }
    within = ", ".join(f"{name} {r:+.2f}" for name, r in correlations.items() if name != "all")
    return Finding(
        seen=combine.seen,
        measured=combine.measured,
        means={
            p.species: (p.bill.mean_x, p.bill.mean_y, p.body.mean_x, p.body.mean_y) for p in parts
        },
        correlations=correlations,
        text=f"{combine.measured} of {combine.seen} penguins measured. "
        f"Bill length and depth correlate {correlations['all']:+.2f} over all, "
        f"but within the species {within}.",
    )


def _summarise(species: str, birds: Birds) -> Summary:
    seen = birds.by_species.get(species, [])
    measured = [sizes for bird in seen if (sizes := _sizes(bird)) is not None]
    return Summary(
        species=species,
        seen=len(seen),
        measured=len(measured),
        bill=Moments.of((length, depth) for length, depth, _, _ in measured),
        body=Moments.of((flipper, mass) for _, _, flipper, mass in measured),
    )


def _sizes(bird: Penguin) -> tuple[float, float, float, float] | None:
    """Give a bird's measurements, if all were taken."""
    length, depth, flipper, mass = (
        bird.bill_length_mm,
        bird.bill_depth_mm,
        bird.flipper_length_mm,
        bird.body_mass_g,
    )
    if length is None or depth is None or flipper is None or mass is None:
        return None
    return length, depth, flipper, mass

"""Graphs shaped like real scientific workflows, of a thousand steps or fewer. Pure.

The levels and how they hang together are those that Bharathi and others describe ("Characterization of scientific
workflows", WORKS 2008) and that the WfCommons instances show; sizes are chosen here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tasker.bench.shapes import Static

__all__ = ["WORKFLOWS"]

_Parents = list[tuple[int, ...]]


def _add(parents: _Parents, level: Sequence[Sequence[int]]) -> list[int]:
    """Append a level of steps, each with its parents; their numbers."""
    first = len(parents)
    parents.extend(tuple(of) for of in level)
    return list(range(first, len(parents)))


def montage(images: int) -> Static:
    """A mosaic of the sky: images are projected, fitted where neighbours overlap, corrected, and added up."""
    parents: _Parents = []
    projected = _add(parents, [()] * images)
    overlaps = [
        (projected[n], projected[m]) for n in range(images) for m in (n + 1, n + 2) if m < images
    ]
    fitted = _add(parents, overlaps)
    [model] = _add(parents, [_add(parents, [fitted])])
    corrected = _add(parents, [(image, model) for image in projected])
    [table] = _add(parents, [corrected])
    [mosaic] = _add(parents, [(*corrected, table)])
    [shrunk] = _add(parents, [(mosaic,)])
    _add(parents, [(shrunk,)])
    return Static("montage", tuple(parents))


def epigenomics(lanes: int, parts: int) -> Static:
    """Gene sequences: each lane is split, each part goes through four steps, and all is merged into one map."""
    parents: _Parents = []
    merged: list[int] = []
    for _ in range(lanes):
        [level] = [_add(parents, [()]) * parts]
        for _ in range(4):
            level = _add(parents, [(of,) for of in level])
        merged += _add(parents, [level])
    [whole] = _add(parents, [merged])
    [index] = _add(parents, [(whole,)])
    _add(parents, [(index,)])
    return Static("epigenomics", tuple(parents))


def cybershake(sites: int, variations: int) -> Static:
    """Earthquakes: of each site two tensors, from them many seismograms with a peak each, and two archives."""
    parents: _Parents = []
    seismograms: list[int] = []
    for _ in range(sites):
        extracted = _add(parents, [()])
        seismograms += _add(parents, [extracted] * variations)
    peaks = _add(parents, [(of,) for of in seismograms])
    _add(parents, [seismograms, peaks])
    return Static("cybershake", tuple(parents))


def genome(chromosomes: int, individuals: int) -> Static:
    """1000 Genomes: of each chromosome many individuals are merged and sifted, then compared in every population."""
    parents: _Parents = []
    for _ in range(chromosomes):
        [merged] = _add(parents, [_add(parents, [()] * individuals)])
        [sifted] = _add(parents, [()])
        for _ in range(7):
            _add(parents, [(merged, sifted), (merged, sifted)])
    return Static("genome", tuple(parents))


def inspiral(groups: int, detectors: int) -> Static:
    """Gravitational waves: templates are matched twice, and what coincides is kept in each of the two rounds."""
    parents: _Parents = []
    for _ in range(groups):
        banks = _add(parents, [()] * detectors)
        [coincident] = _add(parents, [_add(parents, [(of,) for of in banks])])
        triggered = _add(parents, [(coincident,)] * detectors)
        _add(parents, [_add(parents, [(of,) for of in triggered])])
    return Static("inspiral", tuple(parents))


WORKFLOWS: Mapping[str, tuple[str, Static]] = {
    "montage": ("a mosaic of the sky", montage(150)),
    "epigenomics": ("gene sequences in lanes", epigenomics(4, 50)),
    "cybershake": ("seismograms of earthquakes", cybershake(10, 45)),
    "genome": ("variants in a thousand genomes", genome(10, 30)),
    "inspiral": ("gravitational waves", inspiral(20, 10)),
}

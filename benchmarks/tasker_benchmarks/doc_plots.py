"""The documentation's pictures, as small SVGs whose text is text. Touches files."""

# pyright: reportUnknownMemberType=false
# matplotlib leaves the types of its keyword arguments open.

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Picture

__all__ = ["draw_growth", "draw_peers"]

mpl.use("Agg")

_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "tasker",  # so that the same figures give the same file
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#888888",
    "axes.titlesize": 10,
    "legend.frameon": False,
    "legend.fontsize": 8,
}
_OURS, _OTHERS, _LIMITS = "#1f6f8b", "#b0b7bc", "#e3e6e8"
_COLOURS = (_OURS, "#d1603d", "#7a9e3f", "#8a6fae")
_BOUNDS = ("raw_pgmq", "skip_locked")
_CPU = "µs a step"


def draw_peers(shown: Mapping[str, Any], path: Path) -> None:
    """Bars of what each engine runs in a second, for each scenario. Limits, which are no rivals, come last."""
    rates: Mapping[str, Mapping[str, float]] = shown["rates"]
    names = list(dict.fromkeys(name for of in rates.values() for name in of))
    best = {name: max(of.get(name, 0) for of in rates.values()) for name in names}
    names.sort(key=lambda name: (name in _BOUNDS, name != "tasker", -best[name]))
    with mpl.rc_context(_STYLE):
        picture, all_axes = plt.subplots(
            1, len(rates), figsize=(9, 0.5 + 0.3 * len(names)), sharey=True, squeeze=False
        )
        for axes, (scenario, of) in zip(all_axes[0], rates.items(), strict=True):
            _draw_bars(axes, names, of)
            axes.set_title(scenario.replace("_", " of "), loc="left")
        _save(picture, shown, "steps a second; pale: limits, which are no engines", path)


def _draw_bars(axes: Axes, names: Sequence[str], rates: Mapping[str, float]) -> None:
    colours = [_OURS if n == "tasker" else _LIMITS if n in _BOUNDS else _OTHERS for n in names]
    values = [rates.get(name, 0) for name in names]
    axes.barh(range(len(names)), values, color=colours, height=0.7)
    for place, name in enumerate(names):
        text = f" {rates[name]:,}" if name in rates else " –"
        axes.text(values[place], place, text, va="center", fontsize=8)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlim(0, 1.25 * max(values))
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    axes.tick_params(length=0)


def draw_growth(shown: Mapping[str, Any], path: Path) -> None:
    """The rate, and the CPU of a step in database and client together, over what grows."""
    points: Sequence[Mapping[str, Any]] = shown["points"]
    rates = [point for point in points if point["unit"] != _CPU]
    series = list(dict.fromkeys(point["series"] for point in rates))
    with mpl.rc_context(_STYLE):
        picture, (left, right) = plt.subplots(1, 2, figsize=(9, 2.7))
        for colour, name in zip(_COLOURS, series, strict=False):
            _draw_line(
                left, {p["x"]: p["value"] for p in rates if p["series"] == name}, name, colour
            )
            _draw_line(right, _add_up(points, name), name, colour)
        for axes, title in (
            (left, "steps a second"),
            (right, "CPU of a step, database and client, µs"),
        ):
            axes.set_title(title, loc="left")
            _scale(axes, sorted({point["x"] for point in rates}), shown["axis"])
        if len(series) > 1:
            left.legend(loc="lower left")
        _save(picture, shown, "", path)


def _add_up(points: Sequence[Mapping[str, Any]], series: str) -> dict[float, float]:
    """The CPU of a step in all, by place."""
    total: dict[float, float] = {}
    for point in points:
        if point["unit"] == _CPU and point["series"].rpartition(", ")[0] == series:
            total[point["x"]] = total.get(point["x"], 0) + point["value"]
    return total


def _draw_line(axes: Axes, values: Mapping[float, float], name: str, colour: str) -> None:
    places = sorted(values)
    axes.plot(
        places, [values[x] for x in places], marker="o", markersize=4, color=colour, label=name
    )


def _scale(axes: Axes, places: Sequence[float], label: str) -> None:
    if places[-1] > 50 * max(1, places[0]):
        first = next(place for place in places if place > 0)
        axes.set_xscale("symlog", linthresh=first)  # as a logarithm, but with a place for none
    axes.set_xticks(places, [f"{place:,.0f}" for place in places])
    axes.minorticks_off()
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.set_ylim(0, 1.1 * axes.get_ylim()[1])
    axes.set_xlabel(label)
    axes.grid(axis="y", alpha=0.3)


def _save(picture: Picture, shown: Mapping[str, Any], note: str, path: Path) -> None:
    about = shown["about"]
    source = f"{about['taken_on']}, commit {about['commit']}, {about['machine']}, PostgreSQL {about['server']}"
    picture.tight_layout(rect=(0, 0.07, 1, 1))
    picture.text(0.01, 0.01, f"{note}. {source}" if note else source, fontsize=7, color="#888888")
    picture.savefig(path, facecolor="white", metadata={"Date": None, "Creator": None})
    plt.close(picture)

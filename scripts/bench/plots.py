"""Plots of a report, as SVG. The same report makes the same bytes."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from matplotlib import pyplot
from matplotlib.axes import Axes

from scripts.bench.figures import Report

_INK, _PALE, _WARM = "#1f4e79", "#9db7d1", "#c0504d"
_STYLE: Any = {
    "backend": "svg",
    "svg.hashsalt": "causeway",  # names inside the file come from it, not from chance
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def draw(report: Report, ratios: Mapping[str, float], folder: Path) -> list[str]:
    """Draw what the report has figures for; return the files' names."""
    drawn = []
    load = report["details"].get("load")
    if load is not None:
        drawn.append(_save(folder / "throughput.svg", lambda axes: _throughput(axes, load)))
        buckets = load["held"]["certificate"]["buckets"]
        drawn.append(_save(folder / "latency.svg", lambda axes: _latency(axes, buckets)))
    if ratios:
        drawn.append(_save(folder / "ratios.svg", lambda axes: _ratios(axes, ratios)))
    return drawn


def _save(path: Path, fill: Callable[[Axes], None]) -> str:
    with pyplot.style.context("default"), pyplot.rc_context(_STYLE):
        figure, axes = pyplot.subplots(figsize=(6.4, 3.2), layout="constrained")
        fill(axes)
        figure.savefig(path, metadata={"Date": None, "Creator": None})
        pyplot.close(figure)
    # Lines end in blanks, which a repository doesn't want.
    path.write_text("".join(f"{line.rstrip()}\n" for line in path.read_text().splitlines()))
    return path.name


def _throughput(axes: Axes, load: Report) -> None:
    offered = [step["offered_per_s"] for step in load["steps"]]
    for name, colour in (("accepted", _PALE), ("certified", _INK)):
        reached = [step[f"{name}_per_s"] for step in load["steps"]]
        axes.plot(offered, reached, marker="o", markersize=4, color=colour, label=name)
    axes.plot([0, max(offered)], [0, max(offered)], color="#999999", linestyle=":", linewidth=1)
    axes.set(xlabel="orders offered a second", ylabel="orders a second", xlim=(0, None))
    axes.set_ylim(0, None)
    axes.legend(frameon=False)


def _latency(axes: Axes, buckets: list[list[float]]) -> None:
    uppers = [upper for upper, _ in buckets]
    lowers = [upper / 1.1 for upper in uppers]
    widths = [upper - lower for upper, lower in zip(uppers, lowers, strict=True)]
    axes.bar(lowers, [count for _, count in buckets], widths, align="edge", color=_INK)
    axes.set_xscale("log")
    axes.set(xlabel="milliseconds from arrival to a known certificate", ylabel="orders")


def _ratios(axes: Axes, ratios: Mapping[str, float]) -> None:
    names = list(ratios)[::-1]
    values = [ratios[name] for name in names]
    bars = axes.barh(names, values, color=[_INK if value >= 1 else _WARM for value in values])
    texts = [f"{value:,.0f}" if value >= 100 else f"{value:.2g}" for value in values]
    axes.bar_label(bars, texts, padding=3)
    axes.axvline(1, color="#999999", linestyle=":", linewidth=1)
    axes.set_xscale("log")
    axes.set(xlabel="times the baseline")
    axes.margins(x=0.15)

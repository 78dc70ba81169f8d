"""The report's plots: SVG that stands in the page, takes its colours from it, and is the same for the same run."""

import io
import re
import textwrap
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from experiments.metrics import Metric
from experiments.statistics.analysis import Analysis, ArmSummary
from experiments.statistics.estimates import Estimate
from experiments.statistics.paired import amount

_STANDS_FOR = {"#010101": "var(--ink)", "#020202": "var(--soft)", "#030303": "var(--line)", "#040404": "var(--accent)"}
"""matplotlib knows no variables of CSS: these are put in the place of colours that nothing else has."""
_INK, _SOFT, _LINE, _ACCENT = _STANDS_FOR
_ROW = 0.42
"""Inches for an arm."""


def intervals(analysis: Analysis, metrics: Sequence[Metric]) -> Markup | None:
    """Plot the mean of each arm with its interval, a panel for each metric; None without any."""
    if not metrics:
        return None
    names = [arm.arm for arm in analysis.arms]
    figure, axes = _figure(len(metrics), 2.1 * len(metrics) + 2, _ROW * len(names) + 0.9)
    for place, (axis, metric) in enumerate(zip(axes, metrics, strict=True)):
        for row, arm in enumerate(analysis.arms):
            _dot(axis, arm, metric, row)
        axis.set_title(textwrap.fill(metric.title, 20), fontsize=8.5, color=_INK, loc="left")
        axis.set_yticks(range(len(names)), names if place == 0 else [""] * len(names), fontsize=9, color=_INK)
        axis.set_ylim(len(names) - 0.5, -0.5)
        if metric.unit == "share":
            axis.set_xlim(-0.04, 1.04)
    return _svg(figure, "intervals", "Means of the arms with their 95 % intervals")


def cost_against(analysis: Analysis, metric: Metric) -> Markup | None:
    """Plot the quality of each arm by a metric against its cost; None where no arm has both."""
    points = [
        (arm.arm, arm.means["cost"].mean, arm.means[metric.name])
        for arm in analysis.arms
        if "cost" in arm.means and metric.name in arm.means
    ]
    if not any(cost for _, cost, _ in points):
        return None
    figure, (axis,) = _figure(1, 5.2, 3.2)
    for name, cost, found in points:
        _error_bar(axis, cost, found.mean, found, vertical=True)
        axis.annotate(name, (cost, found.mean), xytext=(7, 4), textcoords="offset points", fontsize=9, color=_INK)
    axis.set_xlabel("US dollars for an answer", fontsize=9, color=_SOFT)
    axis.set_ylabel(metric.title, fontsize=9, color=_SOFT)
    axis.margins(x=0.25, y=0.25)
    return _svg(figure, "cost", f"{metric.title} against cost")


def latency(analysis: Analysis) -> Markup | None:
    """Plot seconds until the first token and until the whole answer; None where nothing was measured."""
    arms = [arm for arm in analysis.arms if "seconds" in arm.means]
    if not arms:
        return None
    figure, (axis,) = _figure(1, 5.2, _ROW * len(arms) + 1.0)
    for row, arm in enumerate(arms):
        whole, first = arm.means["seconds"], arm.means.get("first_token_seconds")
        axis.plot(
            [first.mean if first else 0, whole.mean], [row, row], color=_LINE, linewidth=5, solid_capstyle="round"
        )
        _error_bar(axis, whole.mean, row, whole)
        if first:
            axis.plot([first.mean], [row], marker="|", markersize=11, color=_ACCENT)
    axis.set_yticks(range(len(arms)), [arm.arm for arm in arms], fontsize=9, color=_INK)
    axis.set_ylim(len(arms) - 0.5, -0.5)
    axis.set_xlim(left=0)
    axis.set_xlabel("seconds: first token (bar), whole answer (dot)", fontsize=9, color=_SOFT)
    return _svg(figure, "latency", "Seconds until the first token and until the whole answer")


def _dot(axis: Any, arm: ArmSummary, metric: Metric, row: int) -> None:
    found = arm.means.get(metric.name)
    if found is None:
        return
    _error_bar(axis, found.mean, row, found)
    axis.annotate(
        amount(metric, found.mean), (found.mean, row), xytext=(0, 5), textcoords="offset points",
        ha="center", fontsize=7.5, color=_SOFT,
    )  # fmt: skip


def _error_bar(axis: Any, x: float, y: float, found: Estimate, *, vertical: bool = False) -> None:
    middle, low, high = (y if vertical else x), found.low, found.high
    reach = None if low is None or high is None else [[max(middle - low, 0)], [max(high - middle, 0)]]
    axis.errorbar(
        [x], [y], **{"yerr" if vertical else "xerr": reach}, fmt="o", color=_ACCENT, markersize=5, linewidth=1.6,
    )  # fmt: skip


def _figure(panels: int, width: float, height: float) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(1, panels, squeeze=False)[0]
    for axis in axes:
        axis.patch.set_alpha(0)
        axis.tick_params(colors=_SOFT, labelsize=8, length=0)
        axis.grid(axis="x", color=_LINE, linewidth=0.6)
        axis.set_axisbelow(True)
        for side in axis.spines.values():
            side.set_visible(False)
    figure.patch.set_alpha(0)
    return figure, axes


def _svg(figure: Any, name: str, title: str) -> Markup:
    import matplotlib as mpl

    written = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": f"askmd {name}", "svg.fonttype": "none"}):
        figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None})
    text = written.getvalue()
    text = text[text.index("<svg") :]
    for colour, variable in _STANDS_FOR.items():
        text = text.replace(colour, variable)
    text = re.sub(r"font: ([\d.]+)px '[^;\"]*", r"font: \1px var(--sans)", text)
    text = re.sub(r'<svg ([^>]*?)height="[^"]*" ', r"<svg \1", text, count=1)
    text = re.sub(
        r'(<svg [^>]*?)width="([\d.]+)pt"', rf'\1style="width: \2pt" role="img" aria-label="{title}"', text, count=1
    )
    text = re.sub(
        r"id=\"(figure_1|axes_\d+|patch_\d+|text_\d+|line2d_\d+|matplotlib\.axis_\d+|\w+tick_\d+|LineCollection_\d+)\"",
        lambda found: f'id="{name}-{found[1]}"',
        text,
    )
    return Markup(text)  # noqa: S704 - matplotlib escapes the texts

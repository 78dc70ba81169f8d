"""Two pictures of a run: what it costs to stay in step, and how good and how quick a search is."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from experiments.statistics.estimates import estimate

SYNCS = ("ingest s", "nothing changed s", "one line changed s")
SHOWN = ("hit@1", "hit@5", "cover@1500")


def plot(found: Mapping[str, Sequence[Any]], folder: Path) -> None:
    """Write a picture of each kind for each set."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, results in found.items():
        save(syncs(results), folder / f"{name}-sync.svg")
        save(quality(results), folder / f"{name}-quality.svg")


def syncs(results: Sequence[Any]) -> Figure:
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    axes = figure.subplots()
    for number, what in enumerate(SYNCS):
        places = [place + (number - 1) * 0.27 for place in range(len(results))]
        axes.bar(places, [max(each.figures[what], 0.01) for each in results], 0.25, label=what.removesuffix(" s"))
    axes.set_yscale("log")
    axes.set_ylabel("seconds")
    axes.set_xticks(range(len(results)), [each.tool for each in results])
    figure.legend(loc="outside upper center", ncols=len(SYNCS), frameon=False)
    return figure


def quality(results: Sequence[Any]) -> Figure:
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    axes = figure.subplots()
    for number, metric in enumerate(SHOWN):
        own = [estimate(each.metrics[metric]) for each in results]
        places = [place + (number - 1) * 0.2 for place in range(len(results))]
        spread = [[each.mean - each.low for each in own], [each.high - each.mean for each in own]]
        axes.errorbar(places, [each.mean for each in own], spread, fmt="o", capsize=3, label=metric)
    axes.set_ylim(0, 1.03)
    axes.set_xticks(range(len(results)), [each.tool for each in results])
    figure.legend(loc="outside upper center", ncols=len(SHOWN), frameon=False)
    return figure


def save(figure: Figure, path: Path) -> None:
    figure.savefig(path, metadata={"Date": None})

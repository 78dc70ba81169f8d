"""Two runs of the same questions: is the second one worse? Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from config.errors import ConfigError
from experiments.metrics import METRICS, Metric
from experiments.results import Results
from experiments.statistics.analysis import values_of
from experiments.statistics.estimates import Difference
from experiments.statistics.paired import Paired, corrected, is_better, pair, sentence


@dataclass(frozen=True, slots=True)
class RunDifference:
    """An arm of the second run minus the one of the first, over the questions that both answered."""

    metric: str
    old: str
    new: str
    found: Difference
    sentence: str
    worse: bool
    """Shown to be worse, and by more than the margin."""


def compare_runs(
    first: Results, second: Results, *, margin: float, metric: str | None = None, arm: str | None = None
) -> list[RunDifference]:
    """Compare the arms that both runs have by name, or the only arm of each, by one metric or all that are compared.

    `worse` says that the 95 % interval of the difference lies on the wrong side of 0 and its p-value, corrected for
    all that is compared here, is below 0.05, and that the mean lies on that side by more than `margin`. Raises
    ConfigError where there is nothing to compare.
    """
    family = [
        found
        for names in _pairs(first, second, arm)
        for each in _metrics(metric)
        if (found := _compare(each, names, first, second)) is not None
    ]
    if not family:
        raise ConfigError("the two runs have no two questions in common that both answered and that can be compared")
    return [
        RunDifference(each.metric.name, each.old, each.new, each.found, sentence(each), _is_worse(each, margin))
        for each in corrected(family)
    ]


def _metrics(name: str | None) -> Sequence[Metric]:
    if name is None:
        return [metric for metric in METRICS if metric.compared and metric.unit == "share"]
    chosen = [metric for metric in METRICS if metric.name == name]
    if not chosen:
        raise ConfigError(f"no metric is called {name!r}; known: {', '.join(metric.name for metric in METRICS)}")
    return chosen


def _pairs(first: Results, second: Results, arm: str | None) -> list[tuple[str, str]]:
    old, new = [each.name for each in first.arms], [each.name for each in second.arms]
    if arm is not None:
        if arm not in old or arm not in new:
            raise ConfigError(f"no arm {arm!r} is in both; the first has {', '.join(old)}, the second {', '.join(new)}")
        return [(arm, arm)]
    if len(old) == len(new) == 1:
        return [(old[0], new[0])]
    both = [(name, name) for name in old if name in new]
    if not both:
        raise ConfigError(f"the runs have no arm in common: {', '.join(old)}; {', '.join(new)}")
    return both


def _compare(metric: Metric, names: tuple[str, str], first: Results, second: Results) -> Paired | None:
    old, new = names
    shown = names if old != new else (f"{old} ({first.name})", f"{new} ({second.name})")
    return pair(metric, shown, _by_text(first, old, metric), _by_text(second, new, metric), first.seed)


def _by_text(results: Results, arm: str, metric: Metric) -> Mapping[tuple[str, str], float]:
    """A question that was reworded is another one."""
    asked = {query.id: query.question for query in results.queries}
    values = values_of(results.records, arm).get(metric.name, {})
    return {(question, asked[question]): value for question, value in values.items()}


def _is_worse(each: Paired, margin: float) -> bool:
    return each.found.shown and not is_better(each) and abs(each.found.mean) > margin

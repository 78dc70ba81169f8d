"""What the records of a run permit to say: means of arms, differences between them, slices. Pure."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, TypeVar

from experiments.metrics import METRICS, Metric
from experiments.queries import Query
from experiments.records import Record
from experiments.results import Results
from experiments.statistics.estimates import Difference, Estimate, estimate
from experiments.statistics.paired import Paired, corrected, pair, sentence
from experiments.statistics.power import LEVEL

ALL_PAIRS = 4
"""With more arms than this each is compared with the first alone: the correction would leave nothing to be seen."""

SLICED_BY: tuple[Literal["kind", "lang"], ...] = ("kind", "lang")


@dataclass(frozen=True, slots=True)
class ArmSummary:
    """An arm: its calls, those that failed, and the mean of each metric over its questions.

    A question counts once: its repeats are averaged first. Failures are no values of any metric.
    """

    arm: str
    calls: int
    failures: int
    means: Mapping[str, Estimate]


@dataclass(frozen=True, slots=True)
class ArmDifference:
    """`new` minus `old` over the questions that both answered; `found.p` is corrected for all of the run."""

    metric: str
    old: str
    new: str
    found: Difference
    sentence: str
    """What it permits to say."""


@dataclass(frozen=True, slots=True)
class Slice:
    """The questions of one kind or language."""

    by: Literal["kind", "lang"]
    value: str
    questions: int
    means: Mapping[str, Mapping[str, Estimate]]
    """By arm and metric."""


@dataclass(frozen=True, slots=True)
class Preferred:
    """How often the judge prefers `new` to `old`, and the other way round; `p` is that of the sign test, two-sided."""

    old: str
    new: str
    wins: int
    losses: int
    ties: int
    """Among them those of which the judge gave no verdict, or another one in the other order."""
    p: float
    sentence: str


@dataclass(frozen=True, slots=True)
class Analysis:
    """`metrics` are those of which there is at least one value, in the order in which they are shown."""

    metrics: Sequence[Metric]
    arms: Sequence[ArmSummary]
    differences: Sequence[ArmDifference]
    slices: Sequence[Slice]
    preferred: Sequence[Preferred] = ()
    unread: int = 0
    """Replies of the judge in which a mark or a verdict was missing, or that did not come."""


Values = Mapping[str, Mapping[str, float]]
"""Metric -> question -> the mean of its repeats, of one arm."""


def analyse(results: Results) -> Analysis:
    """Say what a run permits to say; of each metric only what its records hold."""
    values = {arm.name: values_of(results.records, arm.name) for arm in results.arms}
    metrics = [metric for metric in METRICS if any(metric.name in found for found in values.values())]
    return Analysis(
        metrics=metrics,
        arms=[_summary(results, arm.name, values[arm.name]) for arm in results.arms],
        differences=_differences(results, metrics, values),
        slices=list(_slices(results, values)),
        preferred=list(_preferred(results)),
        unread=_unread(results),
    )


_Arm = TypeVar("_Arm")


def compared(arms: Sequence[_Arm]) -> list[tuple[_Arm, _Arm]]:
    """Give the pairs of arms that are compared: all, or of many each with the first."""
    return [pair for pair in combinations(arms, 2) if len(arms) <= ALL_PAIRS or pair[0] is arms[0]]


REPORTED = {metric.name for metric in METRICS if metric.unit in {"tokens", "dollars"}}
"""Measures that are unknown where they are None, and not out of place."""


def values_of(records: Sequence[Record], arm: str) -> Values:
    """Give what was measured of an arm's answers.

    Tokens and cost count only if they are known of every answer: those that are known are mostly those that took none.
    """
    answered = [record for record in records if record.arm == arm and record.answer is not None]
    unknown = {name for record in answered for name in REPORTED if record.measures.get(name) is None}
    given: defaultdict[str, defaultdict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for record in answered:
        for name, value in record.measures.items():
            if value is not None and name not in unknown:
                given[name][record.question].append(value)
    return {
        name: {question: sum(each) / len(each) for question, each in questions.items()}
        for name, questions in given.items()
    }


def _summary(results: Results, arm: str, values: Values) -> ArmSummary:
    own = [record for record in results.records if record.arm == arm]
    return ArmSummary(
        arm=arm,
        calls=len(own),
        failures=sum(record.answer is None for record in own),
        means={name: estimate(list(found.values()), results.seed) for name, found in values.items()},
    )


def _differences(results: Results, metrics: Sequence[Metric], values: Mapping[str, Values]) -> list[ArmDifference]:
    family = [
        found
        for metric in metrics
        if metric.compared
        for old, new in compared(results.arms)
        if (found := pair_up(metric, old.name, new.name, values, results.seed)) is not None
    ]
    return [
        ArmDifference(each.metric.name, each.old, each.new, each.found, sentence(each)) for each in corrected(family)
    ]


def pair_up(metric: Metric, old: str, new: str, values: Mapping[str, Values], seed: int) -> Paired | None:
    """Compare two arms of a run by a metric; None where they share no two questions."""
    name = metric.name
    return pair(metric, (old, new), values[old].get(name, {}), values[new].get(name, {}), seed)


def _unread(results: Results) -> int:
    marks = [record.judge for record in results.records if record.judge]
    verdicts = sum(bool(each.failed or each.error) for each in results.preferences)
    return verdicts + sum(bool(judged["failed"] or judged["error"]) for judged in marks)


def _preferred(results: Results) -> Iterator[Preferred]:
    from scipy import stats

    for old, new in compared(results.arms):
        both = [each for each in results.preferences if (each.first, each.second) == (old.name, new.name)]
        if not both:
            continue
        wins, losses = (sum(each.preference == side for each in both) for side in ("second", "first"))
        p = float(stats.binomtest(wins, wins + losses).pvalue) if wins + losses else 1.0
        better = "prefers" if p < LEVEL else "shows no preference for"
        first, second = (new, old) if wins >= losses else (old, new)
        sentence = (
            f"the judge {better} {first.name} over {second.name}: "
            f"{max(wins, losses)} to {min(wins, losses)}, {len(both) - wins - losses} ties"
        )
        yield Preferred(old.name, new.name, wins, losses, len(both) - wins - losses, p, sentence)


def _slices(results: Results, values: Mapping[str, Values]) -> Iterator[Slice]:
    """Questions of at least two kinds or languages, of which there are at least two each."""
    for by in SLICED_BY:
        groups: defaultdict[str, list[Query]] = defaultdict(list)
        for query in results.queries:
            groups[getattr(query, by)].append(query)
        wide = {value: queries for value, queries in groups.items() if len(queries) > 1}
        if len(wide) < 2:
            continue
        for value, queries in wide.items():
            ids = {query.id for query in queries}
            yield Slice(by, value, len(ids), {arm: dict(_means(own, ids, results.seed)) for arm, own in values.items()})


def _means(values: Values, questions: set[str], seed: int) -> Iterator[tuple[str, Estimate]]:
    for name, found in values.items():
        within = [value for question, value in found.items() if question in questions]
        if within:
            yield name, estimate(within, seed)

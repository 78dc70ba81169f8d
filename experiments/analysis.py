"""What the records of a run permit to say: means of arms, differences between them, slices. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from experiments.metrics import Metric
from experiments.statistics import Difference, Estimate


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
class Analysis:
    """`metrics` are those of which there is at least one value, in the order in which they are shown."""

    metrics: Sequence[Metric]
    arms: Sequence[ArmSummary]
    differences: Sequence[ArmDifference]
    slices: Sequence[Slice]

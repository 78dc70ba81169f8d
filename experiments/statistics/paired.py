"""Two arms over the same questions: what differs by a metric, and the sentence that this permits. Pure."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from experiments.metrics import Metric
from experiments.statistics.corrections import holm
from experiments.statistics.estimates import Difference, difference
from experiments.statistics.power import questions_needed

_Question = TypeVar("_Question", bound=Hashable)

_MATTERS = 0.05
"""The difference between shares that is taken to matter; of other units it is a tenth of what the old arm has."""


_VERDICTS = {"share": ("worse", "better"), "dollars": ("dearer", "cheaper"), "seconds": ("slower", "faster")}


@dataclass(frozen=True, slots=True)
class Paired:
    """`new` minus `old`: `changes` question by question, and in `found` all together."""

    metric: Metric
    old: str
    new: str
    changes: tuple[float, ...]
    effect: float
    """The difference that is taken to matter."""
    found: Difference


def pair(
    metric: Metric,
    arms: tuple[str, str],
    before: Mapping[_Question, float],
    after: Mapping[_Question, float],
    seed: int,
) -> Paired | None:
    """Compare over the questions that both have a value for; None if there are fewer than two."""
    both = [question for question in before if question in after]
    if len(both) < 2:
        return None
    first, second = [before[question] for question in both], [after[question] for question in both]
    changes = tuple(new - old for old, new in zip(first, second, strict=True))
    effect = _MATTERS if metric.unit == "share" else abs(sum(first) / len(first)) / 10
    return Paired(metric, *arms, changes, effect, difference(first, second, seed))


def corrected(family: Sequence[Paired]) -> list[Paired]:
    """Correct the p-values of a whole family by Holm's method.

    One in which no question differs cannot be shown by chance: Tarone, "A modified Bonferroni method for discrete
    data" (1990), leaves such out of the count.
    """
    differing = [place for place, each in enumerate(family) if any(each.changes)]
    fair = dict(zip(differing, holm([family[place].found.p for place in differing]), strict=True))
    return [replace(each, found=replace(each.found, p=fair.get(place, 1.0))) for place, each in enumerate(family)]


def is_better(each: Paired) -> bool:
    """Whether the new arm's mean is the better one."""
    return (each.found.mean > 0) == (each.metric.better == "more")


def sentence(each: Paired) -> str:
    """Say what a difference permits to say; where it shows nothing, how many questions would."""
    found, metric = each.found, each.metric
    if found.shown and found.low is not None and found.high is not None:
        low, high = sorted((abs(found.low), abs(found.high)))
        return (
            f"{each.new} is {_VERDICTS.get(metric.unit, _VERDICTS['share'])[is_better(each)]} than {each.old} "
            f"by {amount(metric, abs(found.mean))} [{amount(metric, low)}, {amount(metric, high)}]"
        )
    both, of = f"{each.new} and {each.old}", f"{found.n} questions"
    if not any(each.changes):
        return f"{both} do not differ on these {of}"
    if found.low is not None and found.high is not None and max(-found.low, found.high) < each.effect:
        return f"{both} differ by less than {amount(metric, each.effect)}"
    needed = questions_needed(each.changes, each.effect) if each.effect else None
    if needed is None:
        return f"{both} differ on each of these {of} alike, but so few show nothing"
    return (
        f"no difference shown between {both} with {of}; "
        f"about {max(needed, found.n + 1):,} would be needed to see {amount(metric, each.effect)}"
    )


def amount(metric: Metric, value: float) -> str:
    """Write a value with its unit."""
    match metric.unit:
        case "share":
            return f"{value:.2f}"
        case "seconds":
            return f"{value:.2f} s"
        case "dollars":
            return f"${value:.5f}".rstrip("0").rstrip(".") if value else "$0"
        case _:
            return f"{value:,.0f}"

"""Two evaluations of the same questions: what differs, and whether that is more than chance. Pure."""

from dataclasses import asdict, dataclass
from typing import Any

from config.errors import ConfigError
from experiments.measuring.evaluation import Evaluation, QuestionResult
from experiments.statistics.estimates import Difference, difference


@dataclass(frozen=True, slots=True)
class Comparison:
    """`paired` answerable questions stand in both, `unpaired` in one alone or changed in between."""

    paired: int
    unpaired: int
    differences: dict[str, Difference]
    """By metric, new minus old."""

    def to_json(self) -> dict[str, Any]:
        """Give it as plain JSON values."""
        differences = {
            name: {**asdict(found), "sentence": sentence(name, found)} for name, found in self.differences.items()
        }
        return {**asdict(self), "differences": differences}


def compare(old: Evaluation, new: Evaluation) -> Comparison:
    """Pair the answerable questions by id and text. Raises ConfigError if there are none in both."""
    before, after = _answerable(old), _answerable(new)
    both = [key for key in after if key in before]
    if not both:
        raise ConfigError("the two evaluations have no answerable question in common")
    names = [name for name in after[both[0]].metrics if name in before[both[0]].metrics]
    return Comparison(
        paired=len(both),
        unpaired=len(before.keys() ^ after.keys()),
        differences={
            name: difference([before[key].metrics[name] for key in both], [after[key].metrics[name] for key in both])
            for name in names
        },
    )


def _answerable(evaluation: Evaluation) -> dict[tuple[str, str], QuestionResult]:
    return {(question.id, question.question): question for question in evaluation.questions if question.metrics}


def sentence(metric: str, found: Difference) -> str:
    """Say what a difference permits to say."""
    if not found.shown:
        return f"{metric}: no difference shown"
    verdict = "better" if found.mean > 0 else "worse"
    low, high = sorted(abs(bound or 0.0) for bound in (found.low, found.high))
    return f"{metric} is {verdict} by {abs(found.mean):.2f} [{low:.2f}, {high:.2f}]"

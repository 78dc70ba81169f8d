"""Whether a score tells questions that the documents answer from those that they do not. Pure.

A high score speaks for an answer. A question without hits has the score minus infinity.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from experiments.statistics.estimates import BATCH, CONFIDENCE, RESAMPLES, Estimate

WRONGLY_REFUSED = 0.01
"""Share of answerable questions that a calibrated gate may refuse."""

_NEARLY_0 = 1e-6


@dataclass(frozen=True, slots=True)
class Threshold:
    """What refusing every question with a score below `value` would do.

    `precision`: share of the refused that are unanswerable, None where nothing is refused; `recall`: share of the
    unanswerable that are refused.
    """

    value: float
    precision: float | None
    recall: float


@dataclass(frozen=True, slots=True)
class Separation:
    """How well one score separates: its AUROC, and the highest threshold that refuses no answerable question.

    `safe` is None where an answerable question has no hits.
    """

    auroc: Estimate
    safe: Threshold | None


def separate(answerable: Sequence[float], unanswerable: Sequence[float], seed: int = 0) -> Separation:
    """Judge a score by its values for questions of both kinds, at least one of each."""
    lowest = min(answerable)
    safe = refuse_below(lowest, answerable, unanswerable) if math.isfinite(lowest) else None
    return Separation(estimate_auroc(answerable, unanswerable, seed), safe)


def auroc(answerable: Any, unanswerable: Any, axis: int = -1) -> Any:
    """Chance that an answerable question scores higher than an unanswerable one; ties count half.

    It is Mann and Whitney's U, by the sum of ranks, divided by the number of pairs. Arrays of several samples give an
    array without `axis`.
    """
    import numpy as np
    from scipy import stats

    high, low = np.moveaxis(answerable, axis, -1), np.moveaxis(unanswerable, axis, -1)
    n = high.shape[-1]
    ranks = stats.rankdata(np.concatenate([high, low], axis=-1), axis=-1)
    return (ranks[..., :n].sum(axis=-1) - n * (n + 1) / 2) / (n * low.shape[-1])


def estimate_auroc(answerable: Sequence[float], unanswerable: Sequence[float], seed: int = 0) -> Estimate:
    """Give the AUROC with its percentile bootstrap interval; none where there are fewer than two of either kind."""
    import numpy as np
    from scipy import stats

    value, n = float(auroc(answerable, unanswerable)), len(answerable) + len(unanswerable)
    if min(len(answerable), len(unanswerable)) < 2:
        return Estimate(value, None, None, n)
    interval = stats.bootstrap(
        (np.asarray(answerable, float), np.asarray(unanswerable, float)),
        auroc,
        vectorized=True,
        n_resamples=RESAMPLES,
        batch=BATCH,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return Estimate(value, float(interval.low), float(interval.high), n)


def calibrate(answerable: Sequence[float], unanswerable: Sequence[float]) -> Threshold:
    """Choose a threshold on confidences, from 0 to 1, that refuses at most 1 % of answerable questions.

    With less than a hundred of them the lowest is no bound for those to come: the threshold is then that of the lowest
    hundredth of the normal distribution fitted to their log-odds, if that is lower.
    """
    import numpy as np
    from scipy import special

    values = np.clip(np.asarray(answerable, float), _NEARLY_0, 1 - _NEARLY_0)
    threshold = float(np.quantile(values, WRONGLY_REFUSED, method="lower"))
    if 1 < len(values) < 1 / WRONGLY_REFUSED:
        odds = special.logit(values)
        lowest = odds.mean() + special.ndtri(WRONGLY_REFUSED) * odds.std(ddof=1)
        threshold = min(threshold, float(special.expit(lowest)))
    return refuse_below(threshold, answerable, unanswerable)


def refuse_below(threshold: float, answerable: Sequence[float], unanswerable: Sequence[float]) -> Threshold:
    """Count what a threshold would refuse, rightly and wrongly."""
    right = sum(score < threshold for score in unanswerable)
    refused = right + sum(score < threshold for score in answerable)
    return Threshold(threshold, right / refused if refused else None, right / len(unanswerable))

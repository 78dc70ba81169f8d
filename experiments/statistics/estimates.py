"""How far a mean over questions can be trusted. Pure: the same values and seed give the same result."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

CONFIDENCE = 0.95
RESAMPLES = 9_999
BATCH = 500
"""Resamples held in memory at a time."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean of `n` values with its 95 % interval; a single value has none."""

    mean: float
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True, slots=True)
class Difference(Estimate):
    """The mean of new minus old over the same questions; `p` is how often chance alone would do as much or more."""

    p: float

    @property
    def shown(self) -> bool:
        """Interval and test agree that there is a difference."""
        apart = self.low is not None and self.high is not None and not self.low <= 0 <= self.high
        return apart and self.p < 1 - CONFIDENCE


def estimate(values: Sequence[float], seed: int = 0, resamples: int = RESAMPLES) -> Estimate:
    """Give the mean of at least one value, and its expanded percentile bootstrap interval.

    The plain percentile interval is too narrow for few values. Hesterberg, "What Teachers Should Know About the
    Bootstrap" (2015), section 4.4.2, takes percentiles further out, so that for normal data it is as wide as Student's.
    """
    import numpy as np
    from scipy import stats

    n = len(values)
    if n < 2:
        return Estimate(float(values[0]), None, None, n)
    if min(values) == max(values):
        return Estimate(float(values[0]), float(values[0]), float(values[0]), n)
    means = stats.bootstrap(
        (np.asarray(values, float),),
        np.mean,
        n_resamples=resamples,
        batch=BATCH,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).bootstrap_distribution
    tail = stats.norm.cdf(math.sqrt(n / (n - 1)) * stats.t.ppf((1 - CONFIDENCE) / 2, n - 1))
    low, high = np.quantile(means, [tail, 1 - tail])
    return Estimate(float(np.mean(values)), float(low), float(high), n)


def difference(old: Sequence[float], new: Sequence[float], seed: int = 0, resamples: int = RESAMPLES) -> Difference:
    """Compare two values for each question, in the same order.

    The interval is that of `estimate` over the differences. `p` is that of Fisher's randomisation test, two-sided: if
    nothing had changed, each difference could as well have the other sign. It holds for few and for tied values too;
    Smucker, Allan and Carterette (2007) recommend it for comparing retrieval systems.
    """
    import numpy as np
    from scipy import stats

    changes = np.subtract(new, old)
    found = estimate(changes.tolist(), seed, resamples)
    changed = changes[changes != 0]  # a change of zero has no sign to turn
    if len(changed) < 2:
        return Difference(found.mean, found.low, found.high, found.n, 1.0)
    p = stats.permutation_test(
        (changed,),
        np.sum,
        permutation_type="samples",
        n_resamples=resamples,
        batch=BATCH,
        vectorized=True,
        rng=np.random.default_rng(seed),
    ).pvalue
    return Difference(found.mean, found.low, found.high, found.n, float(p))

"""How many questions it takes to see a difference. Pure."""

import math
from collections.abc import Sequence

POWER = 0.8
"""How often a difference of that size would be shown."""
LEVEL = 0.05


def questions_needed(differences: Sequence[float], effect: float) -> int | None:
    """Give how many questions would show a mean difference of `effect`, if they scatter as these do; None: unknown.

    n = ((z(1 - level/2) + z(power)) * s / effect)², for a two-sided test of paired values with standard deviation s:
    Cohen, "Statistical Power Analysis for the Behavioral Sciences" (1988), section 2.4, for large n.
    """
    import numpy as np
    from scipy import stats

    if len(differences) < 2:
        return None
    spread = float(np.std(differences, ddof=1))
    if spread < 1e-9:  # all the same, but for the rounding of floats
        return None
    z = float(stats.norm.ppf(1 - LEVEL / 2) + stats.norm.ppf(POWER))
    return max(2, math.ceil((z * spread / effect) ** 2))

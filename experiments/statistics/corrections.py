"""Corrections for many comparisons. Pure."""

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """Give p-values such that one below 5 % by chance alone comes up in at most 5 of 100 whole families.

    Holm, "A simple sequentially rejective multiple test procedure" (1979): the smallest of n is multiplied by n, the
    next by n - 1 and so on, and none may be smaller than one before it.
    """
    corrected = [1.0] * len(p_values)
    highest = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, p_values[place] * (len(p_values) - rank)))
        corrected[place] = highest
    return corrected

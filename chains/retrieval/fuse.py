"""Several ranked lists of the same things -> one. Pure.

Each list's scores are stretched to [0, 1] and weighted (min-max fusion, also known as convex combination: Bruch et al.,
"An Analysis of Fusion Functions for Hybrid Retrieval", 2023). What a list does not hold gets nothing from it.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

Ranking = Sequence[tuple[str, float]]
"""Identifiers with their scores, best first."""


class Fused(NamedTuple):
    """A thing with its fused score, and the score and rank (from 1) that it had in each list that holds it."""

    id: str
    score: float
    scores: dict[str, float]
    ranks: dict[str, int]


def fuse(rankings: Mapping[str, Ranking], weights: Mapping[str, float]) -> list[Fused]:
    """Fuse lists by name, best first; what scores the same keeps the order of the first list that has it.

    Weights are relative: those of lists that are empty fall to the others, so that scores stay comparable.
    """
    best = {id_: Fused(id_, score, {}, {}) for id_, score in fused_scores(rankings, weights).items()}
    for name, ranking in rankings.items():
        for rank, (id_, score) in enumerate(ranking, 1):
            best[id_].scores[name] = score
            best[id_].ranks[name] = rank
    return list(best.values())


def fused_scores(rankings: Mapping[str, Ranking], weights: Mapping[str, float]) -> dict[str, float]:
    """Give no more than the ids and fused scores of what `fuse` gives, best first."""
    filled = {name: ranking for name, ranking in rankings.items() if ranking}
    total = sum(weights[name] for name in filled) or 1.0
    fused: dict[str, float] = {}
    for name, ranking in filled.items():
        share = weights[name] / total
        for (id_, _), stretched in zip(ranking, _stretch(ranking), strict=True):
            fused[id_] = fused.get(id_, 0.0) + share * stretched
    return dict(sorted(fused.items(), key=lambda pair: -pair[1]))


def _stretch(ranking: Ranking) -> list[float]:
    """Bring scores to [0, 1]; a list whose scores are all the same says that all are as good."""
    (_, highest), (_, lowest) = ranking[0], ranking[-1]
    if highest == lowest:
        return [1.0] * len(ranking)
    return [(score - lowest) / (highest - lowest) for _, score in ranking]

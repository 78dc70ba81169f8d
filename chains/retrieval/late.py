"""Late interaction: the best of what was found are read once more, piece by piece (store/parts.py)."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from chains.retrieval.asked import Asked
from chains.retrieval.fuse import Fused, Ranking, fuse, fused_scores
from store.parts import closeness

DEPTH = 30
"""Chunks that are read again; fewer find less (benchmarks/retrieval.md)."""

WEIGHTS = {"minilm": 0.6, "multilingual": 0.25}
"""Of this list, by embedding model; the others share the rest as they share all without it."""

ENGLISH_WEIGHT = 0.3
"""Of the list by the question's words in English, for a question in another language than the documents."""


def fuse_with_parts(asked: Asked, rankings: Mapping[str, Ranking], weights: Mapping[str, float]) -> list[Fused]:
    """Fuse lists whose weights sum up to 1, and once more with the ranking of the best of them by their parts."""
    found = list(fused_scores(rankings, weights))
    again = {
        "late": late_ranking(asked, found, asked.question_parts, asked.number),
        "english": late_ranking(asked, found, asked.english_parts, 0),
    }
    own = {"late": WEIGHTS.get(asked.embedding.name, 0.0), "english": ENGLISH_WEIGHT}
    filled = {name: ranking for name, ranking in again.items() if ranking}
    return fuse({**rankings, **filled}, beside({name: own[name] for name in filled}, weights))


def late_ranking(asked: Asked, found: Sequence[str], parts: npt.NDArray[np.float32] | None, number: int) -> Ranking:
    """Rank those of the first DEPTH that have parts of a model, by its number, by how well they match a question's."""
    if parts is None or not len(parts):
        return []
    read = {id_: packed for id_, packed in asked.store.parts(found[:DEPTH], number).items() if packed}
    scores = closeness(parts, list(read.values()))
    return sorted(zip(read, scores, strict=True), key=lambda pair: -pair[1])


def beside(own: Mapping[str, float], weights: Mapping[str, float]) -> dict[str, float]:
    """Make room for lists with weights of their own beside others whose weights sum up to 1."""
    rest = 1 - sum(own.values())
    return {**own, **{name: rest * weight for name, weight in weights.items()}}

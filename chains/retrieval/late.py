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
    found = list(fused_scores(rankings, weights))[:DEPTH]
    again = rank_by_parts(asked, found)
    own = {"late": WEIGHTS.get(asked.embedding.name, 0.0), "english": ENGLISH_WEIGHT}
    return fuse({**rankings, **again}, beside({name: own[name] for name in again}, weights))


def rank_by_parts(asked: Asked, found: Sequence[str]) -> dict[str, Ranking]:
    """Rank what was found by the parts of the question, `late`, and of its words in English, `english`.

    A list is left out where the question, or all that was found, has no such parts.
    """
    questions = {"late": (asked.number, asked.question_parts), "english": (0, asked.english_parts)}
    told = {name: (number, parts) for name, (number, parts) in questions.items() if parts is not None and len(parts)}
    packed = asked.parts(found) if told else {}
    rankings = {
        name: match(parts, {id_: by_model[number] for id_, by_model in packed.items()})
        for name, (number, parts) in told.items()
    }
    return {name: ranking for name, ranking in rankings.items() if ranking}


def match(question: npt.NDArray[np.float32], packed: Mapping[str, str]) -> Ranking:
    """Rank texts, by id, by how well their packed parts match a question's; those without parts are left out."""
    texts = {id_: parts for id_, parts in packed.items() if parts}
    scores = closeness(question, list(texts.values()))
    return sorted(zip(texts, scores, strict=True), key=lambda pair: -pair[1])


def beside(own: Mapping[str, float], weights: Mapping[str, float]) -> dict[str, float]:
    """Make room for lists with weights of their own beside others whose weights sum up to 1."""
    rest = 1 - sum(own.values())
    return {**own, **{name: rest * weight for name, weight in weights.items()}}

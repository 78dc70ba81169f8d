"""Late interaction: the best of what was found are read once more, piece by piece (store/parts.py)."""

from collections.abc import Mapping, Sequence

from chains.retrieval.asked import Asked
from chains.retrieval.fuse import Fused, Ranking, fuse, fused_scores
from store.parts import closeness

DEPTH = 30
"""Chunks that are read again; fewer find less (benchmarks/retrieval.md)."""

WEIGHTS = {"minilm": 0.6, "multilingual": 0.25}
"""Of this list, by embedding model; the others share the rest as they share all without it."""


def fuse_with_parts(asked: Asked, rankings: Mapping[str, Ranking], weights: Mapping[str, float]) -> list[Fused]:
    """Fuse lists whose weights sum up to 1, and once more with the ranking of the best of them by their parts."""
    late = late_ranking(asked, list(fused_scores(rankings, weights)))
    if not late:
        return fuse(rankings, weights)
    return fuse({**rankings, "late": late}, with_late(asked.embedding.name, weights))


def late_ranking(asked: Asked, found: Sequence[str]) -> Ranking:
    """Rank those of the first DEPTH that have parts by how well these match the question's."""
    if not len(asked.question_parts):
        return []
    read = asked.store.parts(found[:DEPTH], asked.number)
    parts = {id_: packed for id_, packed in read.items() if packed}
    scores = closeness(asked.question_parts, list(parts.values()))
    return sorted(zip(parts, scores, strict=True), key=lambda pair: -pair[1])


def with_late(embedding: str, weights: Mapping[str, float]) -> dict[str, float]:
    """Make room for this list, of the parts of an embedding model, beside others whose weights sum up to 1."""
    own = WEIGHTS[embedding]
    return {"late": own, **{name: (1 - own) * weight for name, weight in weights.items()}}

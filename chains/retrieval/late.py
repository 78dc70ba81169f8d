"""Late interaction: the best of what was found are read once more, piece by piece (store/parts.py)."""

from collections.abc import Mapping, Sequence

from chains.retrieval.asked import Asked
from chains.retrieval.fuse import Fused, Ranking
from store.parts import closeness

DEPTH = 40
"""Chunks that are read again; fewer find less (benchmarks/retrieval.md)."""

WEIGHTS = {"minilm": 0.6, "multilingual": 0.25}
"""Of this list, by embedding model; the others share the rest as they share all without it."""


def late_ranking(asked: Asked, found: Sequence[Fused]) -> Ranking:
    """Rank the first DEPTH by how well their parts match the question's; empty where the store holds no parts."""
    if not len(asked.question_parts):
        return []
    parts = asked.store.parts([fused.id for fused in found[:DEPTH]], asked.number)
    scores = closeness(asked.question_parts, list(parts.values()))
    return sorted(zip(parts, scores, strict=True), key=lambda pair: -pair[1])


def with_late(asked: Asked, weights: Mapping[str, float]) -> dict[str, float]:
    """Make room for this list beside others whose weights sum up to 1."""
    own = WEIGHTS[asked.embedding.name]
    return {"late": own, **{name: (1 - own) * weight for name, weight in weights.items()}}

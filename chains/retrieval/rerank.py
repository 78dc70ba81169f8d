"""Passages in the order that a reranker gives them."""

from collections.abc import Sequence

from chains.retrieval.fuse import Fused, fuse
from chains.retrieval.rerankers import Reranker
from chains.schema import Hit


def rerank(reranker: Reranker, question: str, hits: Sequence[Hit], depth: int) -> list[Hit]:
    """Order the first `depth` hits by the reranker's scores; the others follow as they were. Raises RerankError.

    The reranker's own score stands in `scores` and `ranks` as `rerank`, what `score` was before as `fused`; `score`
    becomes the reranker's, stretched to [0, 1] over the hits that it read, and 0 for the others.
    """
    read = hits[:depth]
    scores = reranker.scores(question, [_text(hit) for hit in read])
    judged = sorted(zip((hit["id"] for hit in read), scores, strict=True), key=lambda pair: -pair[1])
    left = {hit["id"]: _before(hit, rank) for rank, hit in enumerate(hits, 1)}
    best = [_after(left.pop(new.id), new) for new in fuse({"rerank": judged}, {"rerank": 1.0})]
    return [*best, *left.values()]


def _text(hit: Hit) -> str:
    """What the reranker reads: the passage under its headings, without which many a passage says little."""
    return "\n".join([" › ".join(hit["headings"]), hit["text"]]).lstrip("\n")


def _before(hit: Hit, rank: int) -> Hit:
    scores, ranks = {**hit["scores"], "fused": hit["score"]}, {**hit["ranks"], "fused": rank}
    return {**hit, "score": 0.0, "scores": scores, "ranks": ranks}


def _after(hit: Hit, new: Fused) -> Hit:
    scores, ranks = {**hit["scores"], **new.scores}, {**hit["ranks"], **new.ranks}
    return {**hit, "score": new.score, "scores": scores, "ranks": ranks}

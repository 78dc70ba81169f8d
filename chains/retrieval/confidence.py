"""How sure a search is that the documents hold an answer: what the gate needs to tell, read from the store."""

from collections.abc import Sequence

from chains.retrieval.asked import Asked
from chains.retrieval.coverage import coverage
from chains.retrieval.fuse import Fused
from chains.retrieval.gate import DEPTH, Sign, confidence, is_across


def confidence_in(asked: Asked, found: Sequence[Fused]) -> float:
    """Give the confidence of 0 to 1 for all that was found, best first."""
    first = found[:DEPTH]
    rows = asked.rows(fused.id for fused in first)
    # what is not among the nearest counts as the last of them
    farthest = min((fused.scores["dense"] for fused in found if "dense" in fused.scores), default=0.0)
    signs = [
        Sign(
            dense=fused.scores.get("dense", farthest),
            coverage=coverage(fused.scores.get("lexical", 0.0), asked.highest())
            if asked.store.fingerprint.lexical
            else None,
            across=is_across(asked.question, rows[fused.id]["text"]),
            late=fused.scores.get("late"),
            in_english=bool(asked.english),
        )
        for fused in first
        if fused.id in rows
    ]
    return confidence(asked.embedding.name, signs)

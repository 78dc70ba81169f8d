"""How sure a search is that the documents hold an answer: what chains/gate.py needs to tell, read from the store."""

from collections.abc import Sequence

from chains.coverage import coverage, highest_score
from chains.fuse import Fused
from chains.gate import DEPTH, Sign, confidence, is_across
from store.lexical import analyse
from store.milvus import Store


def highest_in(store: Store, question: str, filter_: str) -> float:
    """Give the highest BM25 score that the words of a question could reach; 0 without words, or without BM25."""
    terms = analyse(question).split()
    heaviest = store.heaviest(sorted(set(terms)), filter_)
    rows = store.count() if heaviest.keys() < set(terms) else 0  # only what a missing term weighs depends on it
    return highest_score(terms, heaviest, rows) if store.fingerprint.lexical else 0.0


def confidence_in(store: Store, embedding: str, question: str, found: Sequence[Fused], filter_: str) -> float:
    """Give the confidence of 0 to 1 for all that was found, best first; `embedding` names the model that was asked.

    On Milvus Lite it takes about as long as the search itself.
    """
    first = found[:DEPTH]
    rows = store.get([fused.id for fused in first])
    highest = highest_in(store, question, filter_)
    # what is not among the nearest counts as the last of them
    farthest = min((fused.scores["dense"] for fused in found if "dense" in fused.scores), default=0.0)
    signs = [
        Sign(
            dense=fused.scores.get("dense", farthest),
            coverage=coverage(fused.scores.get("lexical", 0.0), highest) if store.fingerprint.lexical else None,
            across=is_across(question, rows[fused.id]["text"]),
        )
        for fused in first
        if fused.id in rows
    ]
    return confidence(embedding, signs)

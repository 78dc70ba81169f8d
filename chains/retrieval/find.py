"""A question in, chunks of the store out: searched for in two ways, fused, the best of them read once more."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from chains.retrieval.asked import Asked
from chains.retrieval.coverage import HALVES, weights
from chains.retrieval.fuse import Fused, Ranking
from chains.retrieval.gate import DEPTH, is_across, is_over_english
from chains.retrieval.late import fuse_with_parts
from store.collection import Store

CANDIDATES = 50
"""Rows asked for in each way of searching where their parts, too, tell them apart (benchmarks/retrieval.md)."""

CANDIDATES_WITHOUT_PARTS = 200
"""The same where the two lists alone decide: fewer find less, more find nothing."""


def candidates(store: Store, k: int) -> int:
    """Give how many rows to ask for in each way of searching, for so many passages."""
    return max(CANDIDATES if store.has_parts else CANDIDATES_WITHOUT_PARTS, 2 * k)


def find(asked: Asked, limit: int) -> list[Fused]:
    """Search for so many rows in each way, fuse what was found, and read the best of it once more: best first.

    Where all of the best are in another language than the question, and it is not put into theirs, how much of it the
    words cover decides their weight.
    """
    rankings = rank(asked, limit)
    found = fuse_with_parts(asked, rankings, HALVES)
    first = first_texts(asked, [fused.id for fused in found])
    if rankings["lexical"] and not asked.english and all(is_across(asked.question, text) for text in first):
        return fuse_with_parts(asked, rankings, weights(rankings["lexical"], asked.highest()))
    return found


def rank(asked: Asked, limit: int) -> dict[str, Ranking]:
    """Search in both ways; give the ids that each found with their scores, best first, at most so many.

    The searches go on at once, unless the words to search for depend on what is nearest: if that is in English, and the
    question is not, its words are put into English. What a hit needs of the roots is looked up beside them.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="askmd-beside") as thread:
        if asked.is_translatable:
            thread.submit(asked.roots)  # what fails here is tried, and told, where they are needed
            dense = asked.nearest(limit)
            if is_over_english(asked.question, first_texts(asked, [id_ for id_, _ in dense])):
                asked.translate()
            lexical = thread.submit(asked.matching, limit)
            asked.embed_english()
        else:
            lexical = thread.submit(asked.matching, limit)
            thread.submit(asked.roots)
            dense = asked.nearest(limit)
        return {"dense": dense, "lexical": lexical.result()}


def first_texts(asked: Asked, ids: Sequence[str]) -> list[str]:
    """Give the texts of the first; those that are gone are left out."""
    return [row["text"] for row in asked.rows(ids[:DEPTH]).values()]

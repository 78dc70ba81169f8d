"""Whether a hit holds a passage that answers the question. Pure."""

from collections.abc import Sequence

from chains.schema import Hit
from experiments.queries import Need, Passage


def overlap(hit: Hit, passage: Passage) -> range:
    """Give the characters of the excerpt, counted from its start, that lie in the hit; empty where none do."""
    if hit["doc"] != passage.doc:
        return range(0)
    if passage.start is None:
        return _overlap_of_texts(hit["text"], passage.excerpt)
    start, end = hit["start"] - passage.start, hit["end"] - passage.start
    return range(max(start, 0), min(end, len(passage.excerpt)))


def _overlap_of_texts(text: str, excerpt: str) -> range:
    """Lay the excerpt over a text that may hold it, lie inside it, or begin or end with a part of it."""
    if excerpt in text:
        return range(len(excerpt))
    if text and (start := excerpt.find(text)) >= 0:
        return range(start, start + len(text))
    for size in range(min(len(text), len(excerpt)) - 1, 0, -1):
        if text.endswith(excerpt[:size]):
            return range(size)
        if text.startswith(excerpt[-size:]):
            return range(len(excerpt) - size, len(excerpt))
    return range(0)


def counts(hit: Hit, passage: Passage) -> bool:
    """A hit counts when it overlaps the excerpt by at least half of the shorter of the two."""
    shorter = min(hit["end"] - hit["start"], len(passage.excerpt))
    return 0 < shorter <= 2 * len(overlap(hit, passage))


def first_rank(hits: Sequence[Hit], need: Need) -> int | None:
    """Give the rank, from 1, of the first hit that counts for any passage of a need; None where none does."""
    ranks = (rank for rank, hit in enumerate(hits, 1) if any(counts(hit, passage) for passage in need))
    return next(ranks, None)

"""How much of a question its words find at all. Pure.

A BM25 score says nothing by itself: it grows with the number and the rarity of the question's terms. Held against the
highest score that a chunk could have, were the best one for each term the same, it is a share of the question.
"""

import math
from collections.abc import Mapping, Sequence

from chains.retrieval.fuse import Ranking

HALVES = {"dense": 0.5, "lexical": 0.5}
"""The weights of the two lists where their words are of one language."""

ENOUGH = 0.2
"""A best chunk that covers less than this is found by chance, or by a name that any chunk could hold."""


def highest_score(terms: Sequence[str], heaviest: Mapping[str, float], rows: int) -> float:
    """Give the highest BM25 score that terms could reach among so many rows.

    `heaviest`: by term, the highest score that it alone gives any row. A term that no row holds weighs as much as one
    that is in a single row.
    """
    rarest = 1.5 * math.log(1 + (max(rows, 1) - 0.5) / 1.5)  # BM25's idf, times a usual weight of one occurrence
    return math.fsum(heaviest.get(term) or rarest for term in terms)


def coverage(score: float, highest: float) -> float:
    """Give the part that a BM25 score is of the highest, 0 to 1."""
    return min(1.0, score / highest) if highest else 0.0


def weights(lexical: Ranking, highest: float) -> dict[str, float]:
    """Give the weights for fusing: half for each list, and less for words that hardly cover the question.

    A question in another language than the documents shares a name or two with them: a list by these alone is noise,
    and stretched to the scale of the other it would count as much.
    """
    best = coverage(lexical[0][1], highest) if lexical else 0.0
    share = HALVES["lexical"] * min(1.0, best / ENOUGH)
    return {"dense": 1 - share, "lexical": share}

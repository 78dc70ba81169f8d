"""How good the hits for one question are. Pure; every value lies between 0 and 1.

The metrics of rank take `ranks`: for each need of the question (see experiments/queries.py) the rank, from 1, of the
first hit that meets it, or None. They are the usual ones of information retrieval with needs in the place of relevant
documents, so that five chunks of one passage are not five successes.
"""

import math
from collections.abc import Callable, Iterator, Sequence

from chains.schema import Hit
from experiments.measuring.relevance import first_rank, overlap
from experiments.queries import Need, Passage, Query

Ranks = Sequence[int | None]
TokenStarts = Callable[[str], Sequence[int]]
"""Gives where the tokens of a text start, in characters, ascending."""

COVER_TOKENS = 1_500


def need_ranks(query: Query, hits: Sequence[Hit]) -> list[int | None]:
    """Give the rank at which each need of a question is first met."""
    return [first_rank(hits, need) for need in query.needs]


def measure(query: Query, hits: Sequence[Hit], token_starts: TokenStarts) -> dict[str, float]:
    """Give every metric of an answerable question by its name."""
    ranks = need_ranks(query, hits)
    return {
        "hit@1": hit_at(ranks, 1),
        "hit@5": hit_at(ranks, 5),
        "recall@5": recall_at(ranks, 5),
        "mrr@10": reciprocal_rank(ranks, 10),
        "ndcg@10": ndcg(ranks, 10),
        f"cover@{COVER_TOKENS}": cover(query, hits, COVER_TOKENS, token_starts),
    }


def hit_at(ranks: Ranks, k: int) -> float:
    """1 if any of the first `k` hits meets a need."""
    return float(any(rank is not None and rank <= k for rank in ranks))


def recall_at(ranks: Ranks, k: int) -> float:
    """Share of the needs that the first `k` hits meet."""
    return sum(rank is not None and rank <= k for rank in ranks) / len(ranks)


def reciprocal_rank(ranks: Ranks, k: int) -> float:
    """1 / rank of the first hit that meets a need; 0 where it is not among the first `k`."""
    return max((1 / rank for rank in ranks if rank is not None and rank <= k), default=0.0)


def ndcg(ranks: Ranks, k: int) -> float:
    """Discounted gain of the first `k` places, divided by that of the best possible order.

    Binary gains with the discount 1 / log2(1 + place) of Järvelin and Kekäläinen, "Cumulated gain-based evaluation of
    IR techniques" (2002). A hit that meets several needs at once takes a place for each of them, or the best possible
    order would be better than one.
    """
    gain, place = 0.0, 0
    for rank in sorted(rank for rank in ranks if rank is not None):
        place = max(rank, place + 1)
        gain += _discount(place) if place <= k else 0.0
    return gain / sum(_discount(place) for place in range(1, min(len(ranks), k) + 1))


def _discount(place: int) -> float:
    return 1 / math.log2(1 + place)


def cover(query: Query, hits: Sequence[Hit], tokens: int, token_starts: TokenStarts) -> float:
    """Share of the gold text, in characters that are not blank, inside the first `tokens` tokens of the hits.

    Of the passages of a need the one that is covered best is taken.
    """
    seen = list(_first_tokens(hits, tokens, token_starts))
    best = [_best_covered(need, seen) for need in query.needs]
    return sum(covered for covered, _ in best) / sum(size for _, size in best)


def _first_tokens(hits: Sequence[Hit], tokens: int, token_starts: TokenStarts) -> Iterator[Hit]:
    """Give the hits that fit, the last of them cut off."""
    for hit in hits:
        starts = token_starts(hit["text"])
        if len(starts) > tokens:
            cut = starts[tokens]
            yield {**hit, "text": hit["text"][:cut], "end": hit["start"] + cut}
            return
        yield hit
        tokens -= len(starts)


def _best_covered(need: Need, hits: Sequence[Hit]) -> tuple[int, int]:
    return max((_covered(passage, hits) for passage in need), key=lambda part: part[0] / part[1])


def _covered(passage: Passage, hits: Sequence[Hit]) -> tuple[int, int]:
    """Count characters that are covered, and all; blanks between two chunks belong to neither."""
    gold = {place for place, character in enumerate(passage.excerpt) if not character.isspace()}
    found = {place for hit in hits for place in overlap(hit, passage)}
    return len(gold & found), len(gold)

"""Metrics against values worked out by hand, and what must hold for any ranking."""

import math
import re
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.measuring.retrieval_metrics import (
    cover,
    hit_at,
    measure,
    ndcg,
    recall_at,
    reciprocal_rank,
)
from tests.experiments.passages import hit, passage, query

Ranks = list[int | None]


def words(text: str) -> Sequence[int]:
    return [match.start() for match in re.finditer(r"\S+", text)]


@pytest.mark.parametrize(
    ("ranks", "hit_5", "recall_5", "mrr_10", "ndcg_10"),
    [
        ([1], 1, 1, 1, 1),
        ([None], 0, 0, 0, 0),
        ([3], 1, 1, 1 / 3, 1 / 2),  # 1 / log2(4)
        ([5], 1, 1, 1 / 5, 1 / math.log2(6)),
        ([7], 0, 0, 1 / 7, 1 / 3),  # 1 / log2(8)
        ([10], 0, 0, 1 / 10, 1 / math.log2(11)),
        ([11], 0, 0, 0, 0),
        ([1, None], 1, 1 / 2, 1, 1 / (1 + 1 / math.log2(3))),
        ([2, 1], 1, 1, 1, 1),
        ([3, 7], 1, 1 / 2, 1 / 3, (1 / 2 + 1 / 3) / (1 + 1 / math.log2(3))),
        ([1, 1], 1, 1, 1, 1),  # one hit meets both: nothing could be better
        ([3, 3], 1, 1, 1 / 3, (1 / 2 + 1 / math.log2(5)) / (1 + 1 / math.log2(3))),
    ],
)
def test_metrics_of_rank(ranks: Ranks, hit_5: float, recall_5: float, mrr_10: float, ndcg_10: float) -> None:
    assert hit_at(ranks, 5) == hit_5
    assert recall_at(ranks, 5) == pytest.approx(recall_5)
    assert reciprocal_rank(ranks, 10) == pytest.approx(mrr_10)
    assert ndcg(ranks, 10) == pytest.approx(ndcg_10)


@pytest.mark.parametrize(
    ("ranks", "hit_5", "recall_5", "mrr", "ndcg_10"),
    [
        ([None, None, 6, 9, 1], 1, 0.2, 1, 0.562069),
        ([8, 4, 7], 1, 0.333333, 0.25, 0.506575),
        ([7, None], 0, 0, 0.142857, 0.204382),
        ([3, 2, 13, None], 1, 0.5, 0.5, 0.441492),
        ([None, 4], 1, 0.5, 0.25, 0.264068),
        ([None, 6], 0, 0, 0.166667, 0.218407),
    ],
)
def test_where_each_need_is_one_document_they_are_those_of_trec_eval(
    ranks: Ranks, hit_5: float, recall_5: float, mrr: float, ndcg_10: float
) -> None:
    """The values are what pytrec_eval-terrier 0.5.11 gave for success, recall, recip_rank and ndcg_cut."""
    found = (hit_at(ranks, 5), recall_at(ranks, 5), reciprocal_rank(ranks, 10), ndcg(ranks, 10))
    assert found == pytest.approx((hit_5, recall_5, mrr, ndcg_10), abs=1e-6)


any_ranks = st.lists(st.none() | st.integers(1, 20), min_size=1, max_size=12)


@given(any_ranks, st.integers(1, 15))
def test_every_metric_of_rank_lies_between_none_and_all(ranks: Ranks, k: int) -> None:
    for metric in (hit_at, recall_at, reciprocal_rank, ndcg):
        assert 0 <= metric(ranks, k) <= 1 + 1e-9
        assert metric([None] * len(ranks), k) == 0
        assert metric([1] * len(ranks), k) == pytest.approx(1)


@given(any_ranks, st.integers(1, 15), st.data())
def test_a_better_place_is_never_worse(ranks: Ranks, k: int, data: st.DataObject) -> None:
    which = data.draw(st.integers(0, len(ranks) - 1))
    better = list(ranks)
    better[which] = data.draw(st.integers(1, ranks[which] or 20))
    for metric in (hit_at, recall_at, reciprocal_rank, ndcg):
        assert metric(better, k) >= metric(ranks, k) - 1e-9


def test_all_required_asks_for_each_and_otherwise_one_is_enough() -> None:
    one, two = passage("first thing", 0), passage("second thing", 50)
    hits = [hit("no", 200), hit("second thing", 50)]
    assert measure(query((one, two)), hits, words)["recall@5"] == 1
    assert measure(query((one,), (two,)), hits, words)["recall@5"] == 0.5
    assert measure(query((one,), (two,)), hits, words)["hit@5"] == 1


def test_five_chunks_of_one_passage_are_one_success() -> None:
    text = "abcdefghij" * 5
    hits = [hit(text[i : i + 10], i) for i in range(0, 50, 10)]
    measured = measure(query((passage(text),), (passage("other", 500),)), hits, words)
    assert measured["recall@5"] == 0.5
    assert measured["ndcg@10"] == pytest.approx(1 / (1 + 1 / math.log2(3)))


def test_metrics_have_the_names_that_the_documentation_uses() -> None:
    names = ["hit@1", "hit@5", "recall@5", "mrr@10", "ndcg@10", "cover@1500"]
    assert list(measure(query((passage("a"),)), [], words)) == names


def test_cover_counts_characters_that_are_not_blank_within_the_budget() -> None:
    gold = passage("aa bb cc dd", 0)
    assert cover(query((gold,)), [hit("aa bb", 0), hit("cc dd", 6)], 4, words) == 1
    assert cover(query((gold,)), [hit("aa bb", 0), hit("cc dd", 6)], 3, words) == 0.75
    assert cover(query((gold,)), [hit("no no", 50), hit("cc dd", 6)], 3, words) == 0.25
    assert cover(query((gold,)), [hit("no no", 50), hit("cc dd", 6)], 2, words) == 0


def test_cover_counts_no_character_twice() -> None:
    assert cover(query((passage("aa bb cc"),)), [hit("aa bb"), hit("aa bb")], 100, words) == pytest.approx(2 / 3)


def test_cover_takes_the_best_covered_passage_of_each_need() -> None:
    short, long = passage("aa", 0), passage("bbbbbbbb", 10)
    hits = [hit("bbbb", 10)]
    assert cover(query((short, long)), hits, 100, words) == 0.5
    assert cover(query((short,), (long,)), hits, 100, words) == pytest.approx(4 / 10)


@given(st.text("ab \n", min_size=1, max_size=60), st.lists(st.integers(0, 60), max_size=5), st.data())
def test_chunks_that_cut_a_text_cover_it_and_a_larger_budget_covers_no_less(
    text: str, cuts: list[int], data: st.DataObject
) -> None:
    text += "x"
    bounds = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    chunks = [hit(text[a:b], a) for a, b in pairwise(bounds)]
    chunks = data.draw(st.permutations([chunk for chunk in chunks if chunk["text"].strip()]))
    asked = query((passage(text),))
    shares = [cover(asked, chunks, budget, words) for budget in range(61)]
    assert shares[-1] == 1
    assert shares == sorted(shares)

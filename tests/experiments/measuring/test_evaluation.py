"""From questions and hits to an evaluation, to a file, and to what differs from another."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from chains.schema import Hit
from config.errors import ConfigError
from experiments.measuring.comparison import compare, sentence
from experiments.measuring.evaluation import Evaluation, Setup, evaluate, read_evaluation
from experiments.queries import Query
from experiments.statistics.estimates import Difference
from tests.experiments.passages import hit, passage, query

SETUP = Setup(store={"embedding": "none"}, settings={"k": 3}, filters={})
GOLD = (passage("gold"),)
RIGHT, WRONG = hit("gold", dense=0.9, bm25=4.0), hit("dross", 50, dense=0.5)
QUERIES = [
    query(GOLD, id_="1", lang="en", kind="faq", question="good"),
    query(GOLD, id_="2", lang="ru", kind="faq", question="late"),
    query(GOLD, id_="3", lang="en", kind="faq", question="missed"),
    query(id_="4", lang="en", kind="none", question="unanswerable"),
    query(id_="5", lang="en", kind="none", question="nothing found"),
]
HITS = {"good": [RIGHT, WRONG], "late": [WRONG, RIGHT], "missed": [WRONG], "unanswerable": [WRONG]}


def find(question: str) -> Sequence[Hit]:
    return HITS.get(question, [])


def evaluated(queries: Sequence[Query] = QUERIES, hits: Any = find) -> Evaluation:
    return evaluate(queries, hits, SETUP)


def test_means_are_over_the_answerable_questions() -> None:
    found = evaluated()
    assert {name: value.mean for name, value in found.metrics.items()} == pytest.approx(
        {
            "hit@1": 1 / 3,
            "hit@5": 2 / 3,
            "recall@5": 2 / 3,
            "mrr@10": 0.5,
            "ndcg@10": (1 + 0.6309298) / 3,
            "cover@1500": 2 / 3,
        }
    )
    assert {value.n for value in found.metrics.values()} == {3}


def test_slices_are_by_language_and_kind_where_there_are_several() -> None:
    slices = evaluated().slices
    assert {lang: metrics["hit@5"].mean for lang, metrics in slices["lang"].items()} == {"en": 0.5, "ru": 1}
    assert slices["kind"] == {}


def test_a_question_keeps_its_ranks_its_first_hit_and_its_best_scores() -> None:
    _, late, missed, _, nothing = evaluated().questions
    assert (late.ranks, late.first_rank, late.top) == ([2], 2, "a.md:1")
    assert late.scores == {"confidence": 4.0, "score": 4.0, "dense": 0.9, "bm25": 4.0}
    assert (missed.ranks, missed.first_rank) == ([None], None)
    assert (nothing.metrics, nothing.ranks, nothing.top, nothing.scores) == ({}, [], "", {})


def test_each_score_is_judged_by_how_it_separates() -> None:
    refusal = evaluated().refusal
    # dense: 0.9, 0.9, 0.5 against 0.5 and nothing: one of six pairs is a tie.
    assert refusal["dense"].auroc.mean == pytest.approx(5.5 / 6)
    assert refusal["dense"].safe is not None
    assert (refusal["dense"].safe.value, refusal["dense"].safe.recall) == (0.5, 0.5)
    assert refusal["bm25"].safe is None


def test_questions_of_one_kind_have_no_separation_and_unanswerable_ones_no_metrics() -> None:
    assert evaluated(QUERIES[:3]).refusal == {}
    assert evaluated(QUERIES[3:]).metrics == {}


def test_latency_is_measured_in_milliseconds() -> None:
    latency = evaluated(QUERIES[:1]).latency
    assert 0 < latency.p50_ms == latency.p95_ms < 1000


def test_an_evaluation_is_read_as_it_was_written() -> None:
    written = evaluated()
    Path("result.json").write_text(json.dumps(written.to_json(), allow_nan=False), "utf-8")
    assert read_evaluation(Path("result.json")) == written


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"hits": []}'])
def test_another_file_is_not_an_evaluation(text: str) -> None:
    Path("other.json").write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=r"^other.json is not a result of askmd eval: "):
        read_evaluation(Path("other.json"))


def test_a_file_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ConfigError, match="cannot read gone.json"):
        read_evaluation(Path("gone.json"))


def test_a_comparison_pairs_the_same_questions() -> None:
    old = evaluated([*QUERIES[:3], query(GOLD, id_="9", question="missed")])
    new = evaluated([*QUERIES, query(GOLD, id_="8", question="good")], lambda _: [RIGHT])
    found = compare(old, new)
    assert (found.paired, found.unpaired) == (3, 2)
    assert found.differences["hit@1"].mean == pytest.approx(2 / 3)
    assert found.differences["hit@5"].mean == pytest.approx(1 / 3)


def test_a_question_whose_text_changed_is_another_one() -> None:
    changed = query(GOLD, id_="1", question="better")
    with pytest.raises(ConfigError, match="no answerable question in common"):
        compare(evaluated(QUERIES[:1]), evaluated([changed]))


def test_an_evaluation_does_not_differ_from_itself() -> None:
    found = compare(evaluated(), evaluated())
    assert {value.mean for value in found.differences.values()} == {0}
    assert not any(value.shown for value in found.differences.values())


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (Difference(0.04, 0.01, 0.08, 90, p=0.01), "hit@5 is better by 0.04 [0.01, 0.08]"),
        (Difference(-0.04, -0.08, -0.01, 90, p=0.01), "hit@5 is worse by 0.04 [0.01, 0.08]"),
        (Difference(0.04, -0.01, 0.08, 90, p=0.06), "hit@5: no difference shown"),
        (Difference(0.04, 0.01, 0.08, 5, p=0.06), "hit@5: no difference shown"),
        (Difference(1.0, None, None, 1, p=1.0), "hit@5: no difference shown"),
    ],
)
def test_a_sentence_says_no_more_than_the_numbers_permit(found: Difference, said: str) -> None:
    assert sentence("hit@5", found) == said


def test_a_comparison_for_machines_has_its_sentences() -> None:
    told = json.loads(json.dumps(compare(evaluated(), evaluated()).to_json()))
    assert told["differences"]["hit@5"]["sentence"] == "hit@5: no difference shown"
    assert told["differences"]["hit@5"]["p"] == 1

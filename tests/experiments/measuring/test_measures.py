from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.measuring.citation_metrics import (
    citation_precision,
    citation_recall,
    cited_statements,
    known_citations,
    supported_quotes,
)
from experiments.measuring.measures import OPEN, measure_answer
from experiments.metrics import METRICS
from experiments.queries import Query
from tests.experiments.answers import answer
from tests.experiments.passages import hit, passage, query

TIN = hit("Loose leaves are kept in a closed tin.", 10)
JAR = hit("A glass jar lets light in.", 100)
ASKED = query((passage("kept in a closed tin", 27),), (passage("three minutes", 200),))


def test_citations_that_lead_to_gold_text_are_counted() -> None:
    both = answer("In a tin [1]. Not in a jar [2].", TIN, JAR, cited=(1, 2))
    assert citation_precision(ASKED, both) == 0.5
    assert citation_recall(ASKED, both) == 0.5, "one of two needs"
    assert citation_precision(ASKED, answer("In a tin.", TIN)) is None
    assert citation_recall(ASKED, answer("In a tin.", TIN)) == 0


def test_statements_quotations_and_numbers_are_shares() -> None:
    text = "It is in a closed tin [1]. It is not in a glass jar there."
    half = answer(text, TIN, cited=(1,), uncited=[{"text": "It is not in a glass jar there.", "start": 27, "end": 58}])
    assert cited_statements(half) == 0.5
    assert cited_statements(answer("Yes.", TIN)) is None
    assert known_citations(answer("x [1] [9?]", TIN, cited=(1,), unknown_citations=[9])) == 0.5
    assert known_citations(answer("x", TIN)) is None
    quoting = answer(
        "“kept in a closed tin” and “kept under the open sky” [1].", TIN, cited=(1,), unsupported_quotes=[{}]
    )
    assert supported_quotes(quoting) == 0.5
    assert supported_quotes(answer("x", TIN)) is None


def measures(asked: Query, given: Any, context: Any = "rag") -> dict[str, float | None]:
    return measure_answer(asked, given, context, 0.5, 2.0)


def test_every_measure_has_its_metric() -> None:
    names = set(measures(ASKED, answer("In a tin [1].", TIN, cited=(1,))))
    assert names == {metric.name for metric in METRICS} - {"correctness", "faithfulness"}


def test_a_refusal_of_an_answerable_question_scores_nothing_and_is_not_left_out() -> None:
    asked = Query("1", "en", "", "Where?", ASKED.needs, answers=("In a tin.",), key_facts=(("tin",),))
    refused = measures(asked, answer("The tin is not in the documents.", TIN, refused=True))
    assert (refused["answered"], refused["refused"]) == (0, None)
    assert (refused["token_f1"], refused["chrf"], refused["key_facts"]) == (0, 0, 0)
    assert refused["citation_precision"] is None


def test_unanswerable_questions_are_to_be_refused_and_open_requests_are_not() -> None:
    assert measures(query(), answer("No.", refused=True))["refused"] == 1
    assert measures(query(), answer("In a tin."))["refused"] == 0
    assert measures(query(), answer("Not from the documents: tin.", own_knowledge=True))["refused"] == 1
    assert measures(query(), answer("No.", refused=True))["refused_rightly"] == 1
    assert measures(ASKED, answer("No.", refused=True))["refused_rightly"] == 0
    assert measures(ASKED, answer("In a tin."))["refused_rightly"] is None
    open_ended = measures(query(kind=OPEN), answer("<html>"))
    assert (open_ended["refused"], open_ended["answered"]) == (None, None)


def test_a_model_without_passages_has_no_measures_of_retrieval_and_citation() -> None:
    bare = measures(ASKED, answer("In a tin."), "none")
    whole = measures(ASKED, answer("In a tin [1].", TIN, cited=(1,)), "full")
    assert bare["citation_recall"] is bare["mrr@10"] is None
    assert (whole["citation_recall"], whole["mrr@10"]) == (0.5, None)


def test_retrieval_tokens_times_and_language_are_taken_from_the_answer() -> None:
    found = measures(
        query((passage("closed tin", 37),), question="Where are the leaves?"),
        answer("They are in the tin [1].", JAR, TIN, cited=(2,)),
    )
    assert (found["hit@1"], found["mrr@10"]) == (0, 0.5)
    assert (found["input_tokens"], found["cost"], found["cached_input_tokens"]) == (10, 0.001, None)
    assert (found["first_token_seconds"], found["seconds"], found["characters"]) == (0.5, 2.0, 24)
    assert found["same_language"] == 1
    assert measures(query(question="Wo sind die Blätter?"), answer("They are in the tin."))["same_language"] == 0


@given(st.text(max_size=200), st.booleans(), st.sampled_from(["rag", "none", "full"]))
def test_any_answer_can_be_measured(text: str, refused: bool, context: str) -> None:
    shares = {metric.name for metric in METRICS if metric.unit == "share"}
    for name, value in measures(ASKED, answer(text, TIN, JAR, refused=refused), context).items():
        assert value is None or name not in shares or 0 <= value <= 1


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_metrics_are_named_for_readers(metric: Any) -> None:
    assert metric.title
    assert metric.title != metric.name

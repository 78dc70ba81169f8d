import pytest
from hypothesis import given
from hypothesis import strategies as st
from sacrebleu.metrics.chrf import CHRF

from experiments.measuring.answer_metrics import chrf, exact_match, key_fact_recall, token_f1, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The **green** tea [1, 2], a [tin](http://x.y) [9?].", ["green", "tea", "tin"]),
        ("ＦＵＬＬ width", ["full", "width"]),
        ("把数据", ["把", "数", "据"]),
        ("snake_case v2.4", ["snake", "case", "v2", "4"]),
        ("", []),
    ],
)
def test_words_are_what_is_said_and_nothing_of_how_it_is_written(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_values_worked_out_by_hand() -> None:
    assert exact_match("A closed tin [1].", ["closed tin", "jar"]) == 1
    assert exact_match("In a closed tin", ["closed tin"]) == 0
    # said: in closed tin (3), wanted: closed tin box (3), shared 2: 2 * 2 / 6
    assert token_f1("In a closed tin.", ["the closed tin box"]) == pytest.approx(2 / 3)
    assert token_f1("in", ["tin", "in a tin"]) == pytest.approx(2 / 3), "the best of the references counts"
    assert token_f1("", ["tin"]) == 0
    assert key_fact_recall(
        "Two minutes at 75 degrees", [["75 degrees"], ["2 minutes", "two minutes"], ["milk"]]
    ) == pytest.approx(2 / 3)
    assert key_fact_recall("It is tinned", [["tin"]]) == 0, "a part of a word is not the word"


def test_chrf_is_that_of_sacrebleu() -> None:
    said, wanted = "in closed tin", "in open tin"
    assert chrf("In a closed tin", ["in the open tin"]) == pytest.approx(
        CHRF().sentence_score(said, [wanted]).score / 100
    )


@given(st.text(max_size=60), st.lists(st.text(max_size=60), min_size=1, max_size=3))
def test_any_text_has_a_value_between_0_and_1(text: str, references: list[str]) -> None:
    facts = [[reference] for reference in references]
    for value in (
        token_f1(text, references),
        chrf(text, references),
        exact_match(text, references),
        key_fact_recall(text, facts),
    ):
        assert 0 <= value <= 1
    assert token_f1(text, [text]) == exact_match(text, [text]) == 1

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.retrieval.coverage import coverage, highest_score, weights

HEAVIEST = {"tea": 2.0, "green": 4.0}


def test_the_highest_score_is_that_of_a_chunk_that_is_the_best_for_each_term() -> None:
    assert highest_score(["tea", "green", "tea"], HEAVIEST, 100) == 8
    assert highest_score([], HEAVIEST, 100) == 0


def test_a_term_that_no_row_holds_weighs_the_more_the_larger_the_collection() -> None:
    few, many = (highest_score(["tea", "kerberos"], HEAVIEST, rows) for rows in (2, 10_000))

    assert 2 < few < 4
    assert many > 10


def test_coverage_is_the_part_of_the_highest_score() -> None:
    assert coverage(3.0, 6.0) == 0.5
    assert coverage(7.0, 6.0) == 1
    assert coverage(0.0, 0.0) == 0


def test_words_that_hardly_cover_the_question_count_less_in_the_fusion() -> None:
    assert weights([("a", 3.0), ("b", 1.0)], 6.0) == {"dense": 0.5, "lexical": 0.5}
    assert weights([("a", 0.6)], 6.0) == pytest.approx({"dense": 0.75, "lexical": 0.25})
    assert weights([], 6.0) == {"dense": 1.0, "lexical": 0.0}


@given(st.floats(0, 100), st.lists(st.text(min_size=1, max_size=3)), st.integers(0, 10**9))
def test_they_are_shares(score: float, terms: list[str], rows: int) -> None:
    highest = highest_score(terms, dict.fromkeys(terms[::2], 1.0), rows)
    shares = weights([("a", score)], highest)

    assert 0 <= coverage(score, highest) <= 1
    assert 0 <= shares["lexical"] <= 0.5
    assert sum(shares.values()) == pytest.approx(1)

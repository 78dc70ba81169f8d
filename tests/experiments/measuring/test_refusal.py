"""Scores that should tell answerable questions from others."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.measuring.refusal import Threshold, auroc, calibrate, estimate_auroc, refuse_below, separate

scores = st.lists(st.integers(0, 5).map(float), min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("answerable", "unanswerable", "expected"),
    [
        ([0.9, 0.8], [0.1, 0.2], 1),
        ([0.1], [0.9], 0),
        ([0.5], [0.5], 0.5),
        ([0.9, 0.4], [0.5, 0.3], 0.75),  # one of four pairs is the wrong way round
        ([0.9, 0.5], [0.5, -math.inf], 0.875),  # half a pair is
    ],
)
def test_auroc_counts_pairs(answerable: list[float], unanswerable: list[float], expected: float) -> None:
    assert auroc(answerable, unanswerable) == expected


@given(scores, scores)
def test_auroc_of_the_opposite_question_is_what_is_left(answerable: list[float], unanswerable: list[float]) -> None:
    assert auroc(answerable, unanswerable) + auroc(unanswerable, answerable) == pytest.approx(1)


def test_the_interval_of_an_auroc_holds_the_truth() -> None:
    rng = np.random.default_rng(0)
    truth = 0.760  # two normal distributions one standard deviation apart: Phi(1 / sqrt 2)
    found = [estimate_auroc(rng.normal(1, 1, 40).tolist(), rng.normal(0, 1, 30).tolist(), seed) for seed in range(40)]
    held = sum((e.low or 0) <= truth <= (e.high or 0) for e in found)
    assert held >= 34
    assert found[0].n == 70


def test_one_question_of_a_kind_gives_no_interval() -> None:
    found = estimate_auroc([0.5, 0.7], [0.1])
    assert (found.mean, found.low, found.high) == (1, None, None)


def test_a_threshold_is_judged_by_what_it_refuses() -> None:
    answerable, unanswerable = [0.9, 0.6, 0.3], [0.2, 0.4, 0.7, 0.1]
    assert refuse_below(0.5, answerable, unanswerable) == Threshold(0.5, 3 / 4, 3 / 4)
    assert refuse_below(0.05, answerable, unanswerable) == Threshold(0.05, None, 0)


@given(scores, scores)
def test_a_threshold_at_the_lowest_answerable_score_refuses_no_answerable_question(
    answerable: list[float], unanswerable: list[float]
) -> None:
    safe = refuse_below(min(answerable), answerable, unanswerable)
    assert safe.precision in (None, 1)
    assert not any(score < safe.value for score in answerable)


def test_a_score_is_judged_by_its_separation_and_its_safe_threshold() -> None:
    found = separate([0.9, 0.4], [0.5, 0.3])
    assert found.auroc.mean == 0.75
    assert found.safe == Threshold(0.4, 1, 0.5)


def test_an_answerable_question_without_hits_leaves_no_safe_threshold() -> None:
    assert separate([-math.inf, 0.5], [0.1, 0.2]).safe is None


confidences = st.lists(st.floats(0, 1), min_size=1, max_size=50)


@given(confidences, confidences)
def test_a_calibrated_threshold_refuses_hardly_any_answerable_question(
    answerable: list[float], unanswerable: list[float]
) -> None:
    found = calibrate(answerable, unanswerable)

    assert 0 < found.value < 1
    assert sum(value < found.value for value in answerable) <= sum(value < 1e-6 for value in answerable)
    assert found == refuse_below(found.value, answerable, unanswerable)


def test_few_questions_are_no_bound_for_those_to_come() -> None:
    few, many = [0.6, 0.7, 0.8, 0.9], [0.6 + i / 1000 for i in range(300)]

    assert calibrate(few, [0.1]).value < 0.6
    assert 0.55 < calibrate(many, [0.1]).value <= 0.603
    assert calibrate([0.5], [0.1]) == Threshold(0.5, 1.0, 1.0)

"""Intervals and tests on simulated data whose truth is known."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from experiments.statistics.estimates import difference, estimate

Draw = Callable[[np.random.Generator], npt.NDArray[np.float64]]
ROUNDS = 600
FEWER = 1_999
"""Resamples: enough for a rate over many rounds, and four times as quick."""
DRAWS: dict[str, tuple[Draw, float]] = {
    "success or failure": (lambda rng: (rng.random(50) < 0.7).astype(float), 0.7),
    "few and normal": (lambda rng: rng.normal(0.5, 0.1, 12), 0.5),
    "reciprocal ranks": (lambda rng: 1 / rng.integers(1, 6, 60), float(np.mean(1 / np.arange(1, 6)))),
}


@pytest.mark.parametrize("name", DRAWS)
def test_intervals_hold_the_truth_in_about_95_of_100_cases(name: str) -> None:
    draw, truth = DRAWS[name]
    rng = np.random.default_rng(1)
    found = [estimate(draw(rng).tolist(), seed, FEWER) for seed in range(ROUNDS)]
    held = np.mean([e.low is not None and e.high is not None and e.low <= truth <= e.high for e in found])
    assert 0.92 <= held <= 0.98


PAIRS: dict[str, Draw] = {
    "normal": lambda rng: rng.normal(0, 0.3, 40),
    "few": lambda rng: rng.normal(0, 0.3, 8),
    "mostly the same": lambda rng: rng.choice([-1.0, 0.0, 1.0], 60, p=[0.15, 0.7, 0.15]),
    "a handful changed": lambda rng: rng.choice([-1.0, 0.0, 1.0], 20, p=[0.1, 0.8, 0.1]),
}


@pytest.mark.parametrize("name", PAIRS)
def test_chance_alone_is_taken_for_a_difference_in_5_of_100_cases_at_most(name: str) -> None:
    rng = np.random.default_rng(2)
    drawn = [PAIRS[name](rng) for _ in range(ROUNDS)]
    found = [difference(np.zeros_like(d).tolist(), d.tolist(), 0, FEWER) for d in drawn]
    alarms = np.mean([d.shown for d in found])
    # Three standard errors of a rate of 0.05; what changed few questions can only be shown less often.
    assert alarms <= 0.077
    assert name != "normal" or alarms >= 0.023


def test_a_difference_that_is_there_is_shown() -> None:
    rng = np.random.default_rng(3)
    old = rng.normal(0.5, 0.2, 60)
    new = [(old + rng.normal(0.1, 0.15, 60)).tolist() for _ in range(50)]
    shown = [difference(old.tolist(), each, 0, FEWER).shown for each in new]
    assert np.mean(shown) > 0.95


def test_the_same_values_give_the_same_result() -> None:
    values = [0.0, 1.0, 1.0, 0.5, 0.2]
    assert estimate(values) == estimate(values)
    assert estimate(values).mean == pytest.approx(0.54)
    assert difference(values, values[::-1]) == difference(values, values[::-1])


def test_the_interval_of_many_normal_values_is_that_of_the_textbook() -> None:
    values = np.random.default_rng(4).normal(0, 1, 400)
    found = estimate(values.tolist())
    half = 1.966 * values.std(ddof=1) / 20  # Student's t, 399 degrees of freedom
    assert (found.low, found.high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.01)


def test_a_single_value_has_no_interval_and_equal_ones_have_one_without_width() -> None:
    assert (estimate([0.5]).low, estimate([0.5]).high, estimate([0.5]).n) == (None, None, 1)
    assert (estimate([1, 1, 1]).low, estimate([1, 1, 1]).high) == (1, 1)


def test_the_test_is_exact_for_few_questions() -> None:
    # 6 changes of the same size and direction: 2 of 64 choices of signs are as extreme.
    assert difference([0.0] * 20, [1.0] * 6 + [0.0] * 14).p == pytest.approx(2 / 64)
    # 5 up, 1 down: (1 + 6) of 64 at each end.
    assert difference([0.0] * 6, [1.0] * 5 + [-1.0]).p == pytest.approx(14 / 64)


@pytest.mark.parametrize("new", [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
def test_fewer_than_two_changes_show_nothing(new: list[float]) -> None:
    found = difference([0.0] * 3, new)
    assert found.p == 1
    assert not found.shown


def test_old_and_new_change_places_and_the_sign_turns() -> None:
    old, new = [0.1, 0.4, 0.3, 0.9], [0.5, 0.6, 0.2, 1.0]
    there, back = difference(old, new), difference(new, old)
    assert there.mean == pytest.approx(0.15)
    assert (back.mean, back.p) == pytest.approx((-there.mean, there.p))

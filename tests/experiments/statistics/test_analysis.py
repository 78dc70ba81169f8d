import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.metrics import METRICS, Metric
from experiments.queries import Query
from experiments.results import Results
from experiments.statistics.analysis import analyse
from experiments.statistics.corrections import holm
from experiments.statistics.paired import amount, corrected, pair, sentence
from experiments.statistics.power import questions_needed
from tests.experiments.answers import arm, record

F1 = next(metric for metric in METRICS if metric.name == "token_f1")
COST = next(metric for metric in METRICS if metric.name == "cost")


def results(*records: object, kinds: tuple[str, ...] = ("a",) * 8, arms: tuple[str, ...] = ("A", "B")) -> Results:
    queries = [Query(str(n), "en", kind, f"question {n}", ()) for n, kind in enumerate(kinds)]
    return Results("run", [arm(name) for name in arms], queries, records, seed=0, repeats=1, run={})  # type: ignore[arg-type]


def test_repeats_are_averaged_before_they_count_and_failures_are_no_values() -> None:
    found = analyse(
        results(
            record("A", "0", 0, token_f1=0.0),
            record("A", "0", 1, token_f1=1.0),
            record("A", "1", token_f1=1.0),
            record("A", "2", error="no"),
            record("A", "3", token_f1=None),
            arms=("A",),
        )
    )
    (summary,) = found.arms
    assert (summary.calls, summary.failures) == (5, 1)
    assert (summary.means["token_f1"].mean, summary.means["token_f1"].n) == (0.75, 2)
    assert [metric.name for metric in found.metrics] == ["token_f1"]


def test_a_cost_that_is_not_known_of_every_answer_is_not_known() -> None:
    records = [record("A", "0", cost=0.0, token_f1=0.5), record("A", "1", cost=None, token_f1=None)]
    (summary,) = analyse(results(*records, arms=("A",))).arms
    assert list(summary.means) == ["token_f1"]


def test_arms_are_compared_on_the_questions_that_both_answered() -> None:
    records = [record("A", str(n), token_f1=0.2 + n / 100) for n in range(8)]
    records += [record("B", str(n), token_f1=0.7 + n / 90) for n in range(7)] + [record("B", "7", error="no")]
    (found,) = analyse(results(*records)).differences
    assert (found.metric, found.old, found.new, found.found.n) == ("token_f1", "A", "B", 7)
    assert found.sentence.startswith("B is better than A by 0.50 [0.50, 0.5")


def test_many_arms_are_compared_with_the_first() -> None:
    names = ("A", "B", "C", "D", "E")
    records = [record(name, str(n), token_f1=n / 8) for name in names for n in range(3)]
    pairs = {(each.old, each.new) for each in analyse(results(*records, arms=names)).differences}
    assert pairs == {("A", other) for other in names[1:]}


def test_slices_are_those_with_at_least_two_questions() -> None:
    records = [record("A", str(n), token_f1=n / 8) for n in range(5)]
    found = analyse(results(*records, kinds=("x", "x", "y", "y", "z"), arms=("A",))).slices
    assert [(each.by, each.value, each.questions) for each in found] == [("kind", "x", 2), ("kind", "y", 2)]
    assert found[1].means["A"]["token_f1"].mean == pytest.approx(2.5 / 8)


def said(before: list[float], after: list[float], metric: Metric = F1, p: float | None = None) -> str:
    found = pair(metric, ("A", "B"), dict(enumerate(before)), dict(enumerate(after)), seed=0)
    assert found
    return sentence(corrected([found])[0])


def test_the_sentence_says_no_more_than_the_numbers_do() -> None:
    low, rest = [0.1] * 20, [0.1 + n / 100 for n in range(20)]
    assert said(low, [x + 0.3 for x in rest]).startswith("B is better than A by 0.40 [0.37, 0.42]")
    assert said([x + 0.3 for x in rest], low).startswith("B is worse than A by 0.40 [0.37, 0.42]")
    assert said(low, rest, COST).startswith("B is dearer than A by $0.095 ["), "what costs more is worse"
    assert said(low, low) == "B and A do not differ on these 20 questions"
    assert said([0.1] * 3, [0.9] * 3) == "B and A differ on each of these 3 questions alike, but so few show nothing"
    wide = said([0.0, 1.0] * 5, [0.5, 0.4] * 5)
    assert wide.startswith("no difference shown between B and A with 10 questions; about ")
    assert wide.endswith(" would be needed to see 0.05")
    assert said([0.5, 0.51] * 50, [0.51, 0.5] * 50) == "B and A differ by less than 0.05"


def test_fewer_than_two_questions_are_not_compared() -> None:
    assert pair(F1, ("A", "B"), {1: 0.0}, {1: 1.0, 2: 1.0}, seed=0) is None


def test_holm_worked_out_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.5]) == pytest.approx([0.04, 0.09, 0.09, 0.5])
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=20))
def test_a_correction_keeps_the_order_and_makes_nothing_smaller(values: list[float]) -> None:
    fair = holm(values)
    assert all(after >= before for before, after in zip(values, fair, strict=True))
    order = sorted(range(len(values)), key=values.__getitem__)
    assert [fair[place] for place in order] == sorted(fair)


def test_what_can_show_nothing_is_not_counted() -> None:
    same = pair(F1, ("A", "B"), dict.fromkeys(range(9), 0.5), dict.fromkeys(range(9), 0.5), seed=0)
    other = pair(F1, ("A", "B"), dict.fromkeys(range(9), 0.0), {n: 0.2 + n / 20 for n in range(9)}, seed=0)
    assert same
    assert other
    alone, among = corrected([other])[0], corrected([same, other, same])[1]
    assert alone.found.p == among.found.p < 0.05


def test_false_alarms_of_a_whole_family_stay_at_5_of_100() -> None:
    rng = np.random.default_rng(5)
    alarms = 0
    for _ in range(150):
        family = []
        for _ in range(4):
            before, after = rng.normal(0.5, 0.2, 15), rng.normal(0.5, 0.2, 15)
            found = pair(F1, ("A", "B"), dict(enumerate(before.tolist())), dict(enumerate(after.tolist())), seed=0)
            assert found
            family.append(found)
        alarms += any(each.found.shown for each in corrected(family))
    assert alarms / 150 <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 150)


def test_so_many_questions_show_the_difference_four_times_in_five() -> None:
    rng = np.random.default_rng(3)
    pilot = rng.normal(0.0, 0.3, 4000).tolist()
    needed = questions_needed(pilot, 0.1)
    assert needed
    assert needed == pytest.approx(71, abs=5)  # (2.8 * 0.3 / 0.1)²
    shown = sum(
        abs(x.mean()) / (x.std(ddof=1) / math.sqrt(needed)) > 1.96 for x in rng.normal(0.1, 0.3, (2000, needed))
    )
    assert shown / 2000 == pytest.approx(0.8, abs=0.04)
    assert questions_needed([0.1, 0.1], 0.05) is questions_needed([0.1], 0.05) is None


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("token_f1", 0.123, "0.12"),
        ("seconds", 1.234, "1.23 s"),
        ("cost", 0.00012, "$0.00012"),
        ("cost", 0.0, "$0"),
        ("input_tokens", 1234.4, "1,234"),
    ],
)
def test_amounts_have_their_unit(name: str, value: float, text: str) -> None:
    assert amount(next(metric for metric in METRICS if metric.name == name), value) == text

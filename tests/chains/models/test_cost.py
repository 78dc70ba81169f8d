from datetime import date
from typing import Any

import pytest

from askmd.costs import dollars
from chains.models.cost import computed_cost, stated_cost
from config.models import Prices

CHECKED = date(2026, 11, 22)
PRICES = Prices(input=0.14, cached_input=0.0028, output=0.28, checked=CHECKED)
WITHOUT_CACHED = Prices(input=0.4, output=0.8, checked=CHECKED)


def test_each_kind_of_token_has_its_price() -> None:
    assert computed_cost(PRICES, 1_000_000, 0, 0) == 0.14
    assert computed_cost(PRICES, 1_000_000, 1_000_000, 0) == 0.0028
    assert computed_cost(PRICES, 0, 0, 1_000_000) == 0.28
    assert computed_cost(PRICES, 1000, 600, 50) == pytest.approx((400 * 0.14 + 600 * 0.0028 + 50 * 0.28) / 1e6)


def test_without_a_price_for_cached_tokens_there_must_be_none_of_them() -> None:
    assert computed_cost(WITHOUT_CACHED, 1_000_000, 0, 0) == 0.4
    assert computed_cost(WITHOUT_CACHED, 1_000_000, None, 0) == 0.4
    assert computed_cost(WITHOUT_CACHED, 1_000_000, 1, 0) is None


@pytest.mark.parametrize("counts", [(None, 0, 5), (5, 0, None), (5, None, 5), (5, 6, 5)])
def test_a_count_that_is_missing_or_senseless_makes_the_cost_unknown(
    counts: tuple[int | None, int | None, int | None],
) -> None:
    assert computed_cost(PRICES, *counts) is None


@pytest.mark.parametrize(
    ("report", "cost"),
    [
        ({"cost": 0.00121}, 0.00121),
        ({"cost": 0}, 0.0),
        ({"cost": 0.00121, "is_byok": False}, 0.00121),
        ({"cost": 0.00006, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.00121}}, None),
        ({"cost": {"total_cost": 0.01}}, None),
        ({"cost": "0.01"}, None),
        ({"cost": None}, None),
        ({"cost": True}, None),
        ({"cost": -1}, None),
        ({}, None),
    ],
)
def test_a_provider_states_a_cost_as_a_number_of_its_own(report: dict[str, Any], cost: float | None) -> None:
    assert stated_cost(report) == cost


@pytest.mark.parametrize(
    ("amount", "shown"),
    [(0, "$0.00"), (0.0000035, "$0.0000035"), (0.000052, "$0.000052"), (0.0131, "$0.013"), (1.2, "$1.20"),
     (1234.5, "$1,234.50"), (0.1, "$0.10")],
)  # fmt: skip
def test_an_amount_is_shown_with_two_digits_that_count(amount: float, shown: str) -> None:
    assert dollars(amount) == shown

"""What a call of a model cost, in US dollars: as the provider stated it, else by the prices of the entry. Pure."""

from collections.abc import Mapping
from typing import Any

from config.models import Prices

DECIMALS = 12
"""Of a cost: finer than any price of a token, coarser than what floats add by their rounding."""
_TOKENS_PRICED = 1_000_000


def stated_cost(report: Mapping[str, Any]) -> float | None:
    """Give what the provider says that it charged, from its `usage` object; None where it does not.

    OpenRouter states it in `cost`, in credits, which are US dollars. With a key of one's own at the provider behind it
    (`is_byok`) that is OpenRouter's fee alone, and not the cost of the call.
    Source: https://openrouter.ai/docs/use-cases/usage-accounting and https://openrouter.ai/docs/faq.
    """
    cost = report.get("cost")
    if isinstance(cost, bool) or not isinstance(cost, int | float) or cost < 0 or report.get("is_byok"):
        return None
    return float(cost)


def computed_cost(
    prices: Prices, input_tokens: int | None, cached_input_tokens: int | None, output_tokens: int | None
) -> float | None:
    """Give the cost by prices; None where it takes a count or a price that is not known.

    Where cached tokens have a price, their number must be known. Where they have none, there must be none of them:
    they are cheaper nearly everywhere, so that the full price would be a guess.
    """
    if input_tokens is None or output_tokens is None:
        return None
    if cached_input_tokens is None and prices.cached_input is not None:
        return None
    cached = cached_input_tokens or 0
    if cached > input_tokens or (cached and prices.cached_input is None):
        return None
    spent = (
        (input_tokens - cached) * prices.input + cached * (prices.cached_input or 0.0) + output_tokens * prices.output
    )
    return round(spent / _TOKENS_PRICED, DECIMALS)

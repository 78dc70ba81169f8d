"""Tokens and cost of an answer, in a line."""

import math

from chains.schema import Usage


def usage_line(usage: Usage) -> str:
    """Write `tokens: 1,204 in (1,024 cached), 85 out (40 thinking); cost: $0.000052 (prices of 2026-11-22)`.

    What was not reported is left out where it is a part, and "unknown" where it is not.
    """
    given = _tokens(usage["input_tokens"], "in", usage["cached_input_tokens"], "cached")
    written = _tokens(usage["output_tokens"], "out", usage["reasoning_tokens"], "thinking")
    tokens = f"{given}, {written}" if (usage["input_tokens"], usage["output_tokens"]) != (None, None) else "unknown"
    return f"tokens: {tokens}; cost: {_cost(usage)}"


def _tokens(count: int | None, name: str, of_these: int | None, part: str) -> str:
    whole = f"unknown {name}" if count is None else f"{count:,} {name}"
    return whole if of_these is None else f"{whole} ({of_these:,} {part})"


def _cost(usage: Usage) -> str:
    if usage["cost"] is None:
        return "unknown"
    source = f"prices of {usage['prices_checked']}" if usage["prices_checked"] else "stated by the provider"
    return f"{dollars(usage['cost'])} ({source})"


def dollars(amount: float) -> str:
    """Write an amount with two digits that count: $0.000052, $0.013, $1.20."""
    decimals = max(2, 1 - math.floor(math.log10(amount))) if amount > 0 else 2
    return f"${amount:,.{decimals}f}"

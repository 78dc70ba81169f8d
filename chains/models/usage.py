"""Tokens and cost of one call of a model, and of several. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from langchain_core.messages import BaseMessage

from chains.models.cost import DECIMALS, computed_cost, stated_cost
from chains.schema import Usage
from config.models import ChatModelSpec

_Number = TypeVar("_Number", int, float)

OWN_WORDS = "askmd"
"""The `model_provider` in a message's `response_metadata` where askmd speaks itself and no model was called."""

REPORTS = "usage_reports"
"""Key of a message's `response_metadata`: what an OpenAI-compatible server said in `usage`, as it said it, in a list.

In a list because the chunks of a stream are merged: lists are joined, but numbers added up. Where a server reports
more than once, each report counts all tokens so far, and the last one holds.
"""
UNKNOWN = Usage(
    calls=1,
    input_tokens=None,
    cached_input_tokens=None,
    output_tokens=None,
    reasoning_tokens=None,
    cost=None,
    prices_checked=None,
)
"""A call of which nothing is known."""


def reported(message: BaseMessage, spec: ChatModelSpec) -> Usage:
    """Give what the provider said of a call, and its cost by that or by the entry's prices; None where it said nothing.

    A `cost` is taken as US dollars only from a provider that the entry says this of (`states_cost`).
    """
    reports = message.response_metadata.get(REPORTS)
    counts = _read_openai(reports[-1]) if reports else _read_langchain(getattr(message, "usage_metadata", None) or {})
    stated = stated_cost(reports[-1]) if reports and spec.states_cost else None
    computed = None
    if stated is None and spec.prices and counts.add_up:
        computed = computed_cost(spec.prices, counts.input, counts.cached, counts.output)
    return Usage(
        calls=1,
        input_tokens=counts.input,
        cached_input_tokens=counts.cached,
        output_tokens=counts.output,
        reasoning_tokens=counts.reasoning,
        cost=computed if stated is None else stated,
        prices_checked=spec.prices.checked.isoformat() if spec.prices and computed is not None else None,
    )


def calls_of(message: BaseMessage, spec: ChatModelSpec) -> list[Usage]:
    """Give what the call for a message took; nothing where there was none."""
    return [] if message.response_metadata.get("model_provider") == OWN_WORDS else [reported(message, spec)]


def total(calls: Sequence[Usage]) -> Usage:
    """Add calls up. What one of them does not know is not known; no call at all took nothing."""
    cost = _add([call["cost"] for call in calls])
    checked = [call["prices_checked"] for call in calls if call["prices_checked"]]
    return Usage(
        calls=sum(call["calls"] for call in calls),
        input_tokens=_add([call["input_tokens"] for call in calls]),
        cached_input_tokens=_add([call["cached_input_tokens"] for call in calls]),
        output_tokens=_add([call["output_tokens"] for call in calls]),
        reasoning_tokens=_add([call["reasoning_tokens"] for call in calls]),
        cost=None if cost is None else round(cost, DECIMALS),
        prices_checked=None if cost is None else min(checked, default=None),
    )


@dataclass(frozen=True, slots=True)
class _Counts:
    """Tokens of one call; None for what was not reported."""

    input: int | None
    cached: int | None
    output: int | None
    reasoning: int | None
    total: int | None

    @property
    def add_up(self) -> bool:
        """Tell whether no more was counted than input and output: some providers have thinking in the total alone."""
        return self.total is None or self.total == (self.input or 0) + (self.output or 0)


def _read_openai(report: Mapping[str, Any]) -> _Counts:
    """Read a `usage` object; DeepSeek says `prompt_cache_hit_tokens` beside or instead of OpenAI's details."""
    cached = _count(report, "prompt_cache_hit_tokens")
    return _Counts(
        input=_count(report, "prompt_tokens"),
        cached=_count(report, "prompt_tokens_details", "cached_tokens") if cached is None else cached,
        output=_count(report, "completion_tokens"),
        reasoning=_count(report, "completion_tokens_details", "reasoning_tokens"),
        total=_count(report, "total_tokens"),
    )


def _read_langchain(usage: Mapping[str, Any]) -> _Counts:
    """Read `usage_metadata`, where all of LangChain's other chat models have what their provider said."""
    return _Counts(
        input=_count(usage, "input_tokens"),
        cached=_count(usage, "input_token_details", "cache_read"),
        output=_count(usage, "output_tokens"),
        reasoning=_count(usage, "output_token_details", "reasoning"),
        total=_count(usage, "total_tokens"),
    )


def _count(report: Mapping[str, Any], *path: str) -> int | None:
    value: Any = report
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _add(values: Sequence[_Number | None]) -> _Number | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None

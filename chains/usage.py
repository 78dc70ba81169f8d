"""Tokens of one call and of several. Pure."""

from collections.abc import Sequence
from typing import Any

from langchain_core.messages import AIMessage

from chains.schema import Usage

UNKNOWN = Usage(input_tokens=None, cached_input_tokens=None, output_tokens=None, reasoning_tokens=None)


def reported(message: AIMessage) -> Usage:
    """Give what the provider said of a call; None where it said nothing."""
    said: Any = message.usage_metadata or {}
    return Usage(
        input_tokens=said.get("input_tokens"),
        cached_input_tokens=said.get("input_token_details", {}).get("cache_read"),
        output_tokens=said.get("output_tokens"),
        reasoning_tokens=said.get("output_token_details", {}).get("reasoning"),
    )


def total(calls: Sequence[Usage]) -> Usage:
    """Add calls up. A count that one of them does not know is not known; no call at all knows nothing."""
    if not calls:
        return UNKNOWN
    return Usage(
        input_tokens=_add([call["input_tokens"] for call in calls]),
        cached_input_tokens=_add([call["cached_input_tokens"] for call in calls]),
        output_tokens=_add([call["output_tokens"] for call in calls]),
        reasoning_tokens=_add([call["reasoning_tokens"] for call in calls]),
    )


def _add(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None

"""What a message says of where it comes from, and whether it is whole. Pure.

It travels in the message itself, since a stream of messages gives nothing else.
"""

import re
from typing import Any, TypedDict, cast

from langchain_core.messages import BaseMessage

from chains.schema import Usage

_WHOLE = {"", "stop", "end_turn", "stop_sequence"}
"""How replies that came to their end say so. Nothing: a provider that names no reason; ours raise ModelError then."""
_CUT = {
    "length": "the model's limit of tokens cut it off; raise the entry's `max_tokens`",
    "content_filter": "the provider's content filter cut it off",
}


class Origin(TypedDict, total=False):
    """What a message says of where it comes from, in its `response_metadata`; nothing if no model was asked."""

    llm: str
    model: str
    """The id that the entry has, for where the provider reports none."""
    notices: list[str]
    spent: list[Usage]
    """What calls that failed after something had arrived reported."""
    broke_off: str


_ORIGIN = "askmd"


def origin(message: BaseMessage) -> Origin:
    """Read it."""
    return cast("Origin", message.response_metadata.get(_ORIGIN, {}))


def why_incomplete(message: BaseMessage) -> str | None:
    """Tell why a message is not the whole answer, in a line; None if it is."""
    if broke_off := origin(message).get("broke_off"):
        return broke_off
    reason = str(message.response_metadata.get("finish_reason") or "")
    if twice := re.fullmatch(r"(\w+?)\1+", reason):  # said in several chunks, which adds up to "stopstop"
        reason = twice[1]
    if reason.lower() in _WHOLE:
        return None
    return f"{_CUT.get(reason, 'it ended before its time')} (finish_reason {reason!r})"


def mark(**known: Any) -> dict[str, Any]:
    """Write fields of an origin as `response_metadata`; those of several pieces of a message add up."""
    return {_ORIGIN: known}

"""What is known of the request under way: its id, and what the line about it in the log shall hold."""

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any


@dataclass
class CurrentRequest:
    """`facts` are added by whoever knows them: the entry that answered, tokens, the question if it may be logged."""

    id: str
    facts: dict[str, Any] = field(default_factory=dict)


_CURRENT: ContextVar[CurrentRequest | None] = ContextVar("request", default=None)


def begin_request(request_id: str) -> CurrentRequest:
    """Make it the request that `current_request` gives in this task and those that it starts."""
    request = CurrentRequest(request_id)
    _CURRENT.set(request)
    return request


def current_request() -> CurrentRequest:
    """Give the request under way; outside of any, one that nobody looks at."""
    return _CURRENT.get() or CurrentRequest("")

"""What is known of the request under way: its id, and what the line about it in the log shall hold."""

import logging
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from config.errors import AskmdError, QuestionError, public_text

LOG = logging.getLogger("askmd.requests")


@dataclass
class CurrentRequest:
    """`facts` are added by whoever knows them: the entry that answered, tokens, the question if it may be logged."""

    id: str
    facts: dict[str, Any] = field(default_factory=dict)
    failure: BaseException | None = None


_CURRENT: ContextVar[CurrentRequest | None] = ContextVar("request", default=None)


def begin_request(request_id: str) -> CurrentRequest:
    """Make it the request that `current_request` gives in this task and those that it starts."""
    request = CurrentRequest(request_id)
    _CURRENT.set(request)
    return request


def current_request() -> CurrentRequest:
    """Give the request under way; outside of any, one that nobody looks at."""
    return _CURRENT.get() or CurrentRequest("")


def note_failure(error: BaseException) -> None:
    """Let the log say what whoever asked is not told: the words of what was foreseen, where else it happened."""
    request = current_request()
    if error is request.failure or isinstance(error, QuestionError):
        return
    request.failure = error
    if isinstance(error, AskmdError):
        request.facts["error"] = str(error)
    else:
        LOG.error("failed", exc_info=error, extra={"request_id": request.id})


def tell(error: AskmdError) -> str:
    """Give what whoever asked may be told of a failure, and note the rest."""
    note_failure(error)
    return public_text(error)

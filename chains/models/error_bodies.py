"""What the error object of a server says beyond its HTTP status: pure functions of its JSON.

A body is what OpenAI's form has under `error`, such as `{"message": ..., "type": ..., "code": ...}`, or anything else:
then nothing is known.
"""

import re
from collections.abc import Mapping

_TOO_LONG = re.compile(
    r"context.?(length|size|window)|maximum context|prompt is too long|too many (input )?tokens|maximum.{1,20}tokens",
    re.IGNORECASE,
)
_NO_SUCH_MODEL = re.compile(
    r"\bmodel\b.{0,80}?\b(not (found|exist)|does(n't| not) exist|unknown|not a valid|unsupported|not supported|retired"
    r"|deprecated|no longer)|\b(unknown|invalid|no such|unsupported)\b.{0,20}?\bmodel\b"
    r"|not a valid model|no (endpoints|model)s? found",
    re.IGNORECASE | re.DOTALL,
)


def message_of(body: object) -> str:
    """Give the server's own words; empty where it has none."""
    said = body.get("message") if isinstance(body, Mapping) else None
    return said if isinstance(said, str) else ""


def is_no_quota(body: object) -> bool:
    """Tell a used-up account from a rate limit: both are a 429 of OpenAI, only the second passes."""
    return "insufficient_quota" in _codes(body)


def is_too_long(body: object) -> bool:
    """Tell whether the request was refused because the prompt does not fit into the model's context."""
    return bool({"context_length_exceeded", "exceed_context_size_error"} & _codes(body)) or bool(
        _TOO_LONG.search(message_of(body))
    )


def is_unknown_model(body: object) -> bool:
    """Tell whether the request was refused because the server has no model of that id."""
    return bool({"model_not_found", "invalid_model"} & _codes(body)) or bool(_NO_SUCH_MODEL.search(message_of(body)))


def _codes(body: object) -> set[object]:
    return {str(body.get("code")), str(body.get("type"))} if isinstance(body, Mapping) else set()

"""What a client is told of a failure: a status, a kind and a line that anybody may read. Pure."""

from dataclasses import dataclass
from typing import Any

from chains.models.openai_errors import ChatFailure
from config.errors import (
    AskmdError,
    ConfigError,
    EmbeddingError,
    ModelError,
    QuestionError,
    RerankError,
    StoreError,
    public_text,
)


@dataclass(frozen=True, slots=True)
class Problem:
    """`kind` is a word for programs, `message` a line for people; neither names a path, host, key or provider."""

    status: int
    kind: str
    message: str

    def to_json(self, request_id: str) -> dict[str, Any]:
        """Give the body of the response."""
        return {"error": {"kind": self.kind, "message": self.message, "request_id": request_id}}


FAILED = Problem(500, "internal", "the server failed; its log says more under this request_id")

_KINDS: tuple[tuple[type[AskmdError], int, str], ...] = (
    (QuestionError, 422, "question"),
    (ConfigError, 503, "config"),
    (StoreError, 503, "store"),
    (EmbeddingError, 503, "embedding"),
    (RerankError, 503, "reranker"),
    (ModelError, 502, "model"),
)
_OF_CALLS = {"busy": 503, "timeout": 504}


def problem_of(error: BaseException) -> Problem:
    """Give what a client is told of an error; of one that nobody foresaw, nothing but that."""
    if not isinstance(error, AskmdError):
        return FAILED
    status, kind = next(((status, kind) for of, status, kind in _KINDS if isinstance(error, of)), (500, "internal"))
    if isinstance(error, ChatFailure):
        status = _OF_CALLS.get(error.kind, status)
    return Problem(status, kind, public_text(error))

"""What the scripted chat server can answer, as data; `chat_server` turns it into bytes."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Usage:
    """Token counts of a reply. `cached` adds DeepSeek's cache fields, `reasoning` the details of the output.

    `others` are fields as they are, which win over all else: OpenAI's details of the input, OpenRouter's cost.
    """

    prompt: int = 11
    completion: int = 7
    cached: int | None = None
    reasoning: int | None = None
    others: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        body: dict[str, Any] = {
            "prompt_tokens": self.prompt,
            "completion_tokens": self.completion,
            "total_tokens": self.prompt + self.completion,
        }
        if self.cached is not None:
            body["prompt_cache_hit_tokens"] = self.cached
            body["prompt_cache_miss_tokens"] = self.prompt - self.cached
        if self.reasoning is not None:
            body["completion_tokens_details"] = {"reasoning_tokens": self.reasoning}
        return {**body, **self.others}


@dataclass(frozen=True)
class Reply:
    """A completion, plain or streamed as the request wishes; a stream goes word by word, `delay` seconds apart.

    `finish_reason=None` leaves it out; `done=False` ends a stream without `data: [DONE]`; `usage=None` reports none.
    """

    text: str = "A scripted answer [1]."
    reasoning: str = ""
    finish_reason: str | None = "stop"
    usage: Usage | None = field(default_factory=Usage)
    done: bool = True
    delay: float = 0.0
    comments: int = 0  # so many signs of life come first, `delay` seconds apart


@dataclass(frozen=True)
class Broken:
    """A reply that goes wrong after `after` words, in a stream or in the middle of a plain body.

    stall: nothing more arrives. cut: the body ends as if it were whole. reset: the connection breaks off.
    error: an error object takes the place of what is missing. garbage: what follows is not JSON, sse: no event either.
    comments: nothing but signs of life arrives, every 50 ms: comments in a stream, blanks in a plain body.
    """

    how: Literal["stall", "cut", "reset", "error", "garbage", "sse", "comments"]
    reply: Reply = field(default_factory=Reply)
    after: int = 2  # 0: before the first token, when all that came is an event with the role
    message: str = "the model crashed"


@dataclass(frozen=True)
class Failure:
    """A whole response with any status; a mapping is sent as JSON, a string (HTML, say) as it is."""

    status: int
    body: Mapping[str, Any] | str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str | None = None

    @classmethod
    def of(
        cls, status: int, message: str, headers: Mapping[str, str] | None = None, code: str | None = None
    ) -> "Failure":
        """Build a failure with the error object that OpenAI-compatible servers send."""
        error = {"message": message, "type": "scripted_error", "param": None, "code": code}
        return cls(status, {"error": error}, headers or {})

    def encoded(self) -> tuple[str, bytes]:
        if isinstance(self.body, str):
            return self.content_type or "text/html", self.body.encode()
        return self.content_type or "application/json", json.dumps(self.body).encode()


@dataclass(frozen=True)
class Hang:
    """The request is read and nothing is sent until the client gives up or `seconds` have passed."""

    seconds: float = 60.0


@dataclass(frozen=True)
class Drop:
    """The request is read and the connection is closed without a response."""


Script = Reply | Broken | Failure | Hang | Drop


def words(text: str) -> list[str]:
    """Divide a text into its words, each with the white space before it; joined they give the text."""
    return re.findall(r"\s*\S+|\s+$", text)


def completion(reply: Reply, model: str) -> dict[str, Any]:
    """Build the body of a plain completion."""
    message = {"role": "assistant", "content": reply.text}
    if reply.reasoning:
        message["reasoning_content"] = reply.reasoning
    body: dict[str, Any] = {
        "id": "chatcmpl-scripted",
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": reply.finish_reason, "logprobs": None}],
    }
    return body | ({"usage": reply.usage.as_json()} if reply.usage else {})


def deltas(reply: Reply) -> Iterator[dict[str, str]]:
    """Give the deltas of a stream that carry text: the reasoning first, then the answer."""
    yield from ({"reasoning_content": word} for word in words(reply.reasoning))
    yield from ({"content": word} for word in words(reply.text))


def chunk(model: str, delta: Mapping[str, str] | None, finish_reason: str | None = None) -> dict[str, Any]:
    """Build one chunk of a stream; `delta=None` gives the one without choices that carries the usage."""
    choice = {"index": 0, "delta": dict(delta or {}), "finish_reason": finish_reason, "logprobs": None}
    return {
        "id": "chatcmpl-scripted",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": model,
        "choices": [] if delta is None else [choice],
        "usage": None,
    }

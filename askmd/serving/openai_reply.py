"""What the OpenAI-compatible endpoint replies, made of the pieces of an answer. Pure."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from time import time
from typing import Any
from uuid import uuid4

from pydantic import BaseModel

from askmd.serving.openai_request import SOURCES_TITLE
from chains.schema import Citation, Evidence, Usage

Link = Callable[[Evidence], str]
"""Gives the address of a passage, for a reader elsewhere."""

_APART = ("answer", "thinking")
_CUT = ("length", "content_filter")


@dataclass
class Reply:
    """Takes the pieces of an answer; gives the chunks of a stream, or the whole."""

    model: str
    notices: list[str]
    link: Link | None
    """Where the text shall end with a list of sources."""
    id: str = field(default_factory=lambda: f"chatcmpl-{uuid4().hex}")
    created: int = field(default_factory=lambda: int(time()))
    answer: dict[str, Any] = field(default_factory=dict)
    begun: bool = False

    def take(self, piece: Any) -> Iterator[dict[str, Any]]:
        """Give the chunks for a piece; the first text comes with the role."""
        self.answer = piece if not self.answer else self.answer + piece
        for key, name in (("thinking", "reasoning_content"), ("answer", "content")):
            if text := piece.get(key):
                yield self._chunk({name: text} if self.begun else {"role": "assistant", "content": "", name: text})
                self.begun = True

    def end(self) -> Iterator[dict[str, Any]]:
        """Give the last chunks: the sources if they are wanted, and why it ends, with all else about the answer."""
        if sources := self._sources():
            yield self._chunk({"content": sources})
        yield self._chunk({}, self.finish_reason) | {"askmd": self.extension()}

    def usage_chunk(self) -> dict[str, Any]:
        """Give the chunk without choices that `stream_options.include_usage` asks for."""
        return self._chunk(None) | {"usage": openai_usage(self.answer["usage"])}

    def whole(self) -> dict[str, Any]:
        """Give the body of a reply that is not streamed."""
        message = {"role": "assistant", "content": self.answer["answer"] + self._sources(), "refusal": None}
        if self.answer["thinking"]:
            message["reasoning_content"] = self.answer["thinking"]
        choice = {"index": 0, "message": message, "finish_reason": self.finish_reason, "logprobs": None}
        head = {"id": self.id, "object": "chat.completion", "created": self.created, "model": self.model}
        return {
            **head,
            "choices": [choice],
            "usage": openai_usage(self.answer["usage"]),
            "askmd": self.extension(),
        }

    @property
    def broke_off(self) -> str | None:
        """Why the answer is not whole, if no finish_reason can say it."""
        incomplete: str | None = self.answer["incomplete"]
        return incomplete if self.answer["finish_reason"] not in _CUT else None

    @property
    def finish_reason(self) -> str:
        """`stop` only where the answer is whole."""
        return str(self.answer["finish_reason"]) if self.answer["incomplete"] else "stop"

    def extension(self) -> dict[str, Any]:
        """Give what else there is of the answer."""
        others = {key: value for key, value in self.answer.items() if key not in _APART}
        return others | {"notices": [*self.notices, *others.get("notices", ())]}

    def _sources(self) -> str:
        if self.link is None or not self.answer["citations"]:
            return ""
        passages = {source["n"]: source for source in self.answer["sources"]}
        lines = (_line(each, passages[each["source"]], self.link) for each in self.answer["citations"])
        return SOURCES_TITLE + "\n".join(lines)

    def _chunk(self, delta: Mapping[str, str] | None, finish_reason: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": None}
        return {
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
            "choices": [] if delta is None else [choice],
        }


def _line(citation: Citation, passage: Evidence, link: Link) -> str:
    title = " › ".join([citation["doc"], *passage["headings"]])
    shown = title.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
    return f"{citation['n']}. [{shown}]({link(passage)})"


def openai_usage(usage: Usage) -> dict[str, Any] | None:
    """Give the tokens in OpenAI's form; None where they are not known."""
    given, written = usage["input_tokens"], usage["output_tokens"]
    if given is None or written is None:
        return None
    told: dict[str, Any] = {"prompt_tokens": given, "completion_tokens": written, "total_tokens": given + written}
    if usage["cached_input_tokens"] is not None:
        told["prompt_tokens_details"] = {"cached_tokens": usage["cached_input_tokens"]}
    if usage["reasoning_tokens"] is not None:
        told["completion_tokens_details"] = {"reasoning_tokens": usage["reasoning_tokens"]}
    return told


class ErrorBody(BaseModel):
    """OpenAI's error object. What stands before the routes leaves out all but the message."""

    message: str
    type: str | None = None
    param: str | None = None
    code: str | None = None


class Failure(BaseModel):
    """The body of every response that is not what was asked for."""

    error: ErrorBody


def error_body(message: str, status: int, param: str | None = None, code: str | None = None) -> dict[str, Any]:
    """Give OpenAI's error object."""
    kind = "invalid_request_error" if status < 500 else "server_error"
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}

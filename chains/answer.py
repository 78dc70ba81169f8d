"""The last step of the chain: what the steps before it made becomes the answer, whole or piece by piece."""

from collections.abc import AsyncIterator, Iterator
from typing import Any, cast

from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.runnables import AddableDict

from chains.choice import State
from chains.citations import resolve
from chains.refusal import begins_with_notice, is_refusal
from chains.schema import Usage


def finish(pieces: Iterator[Any]) -> Iterator[AddableDict]:
    """Give the sources as soon as they are there, the text as it comes, and what can only be told at the end."""
    answer = _Answer()
    for piece in pieces:
        yield from answer.take(piece)
    yield answer.end()


async def finish_async(pieces: AsyncIterator[Any]) -> AsyncIterator[AddableDict]:
    """Do the same as `finish`."""
    answer = _Answer()
    async for piece in pieces:
        for part in answer.take(piece):
            yield part
    yield answer.end()


class _Answer:
    """Puts the pieces of the state together again while it passes on what the caller waits for."""

    def __init__(self) -> None:
        self._state: dict[str, Any] = {}
        self._message: BaseMessage | None = None

    def take(self, piece: dict[str, Any]) -> Iterator[AddableDict]:
        message = piece.get("message")
        self._state |= {key: value for key, value in piece.items() if key != "message"}
        if "sources" in piece:
            yield AddableDict(question=self._state["question"], sources=piece["sources"])
        if message is not None:
            self._message = message if self._message is None else cast("AIMessageChunk", self._message) + message
            if message.text:
                yield AddableDict(answer=str(message.text))

    def end(self) -> AddableDict:
        state = cast("State", self._state)
        message = cast("AIMessage", self._message)
        text = str(message.text)
        refused = is_refusal(text, state["refusal"])
        citations, unknown = resolve(text, state["sources"]) if state["retrieval"] and not refused else ([], [])
        return AddableDict(
            citations=citations,
            unknown_citations=unknown,
            refused=refused,
            own_knowledge=not state["retrieval"] or begins_with_notice(text),
            confidence=state["confidence"],
            notices=state["notices"],
            llm=state["llm"],
            model=message.response_metadata.get("model_name") or state["model"],
            prompt=state["prompt"],
            mode=state["mode"],
            finish_reason=message.response_metadata.get("finish_reason", ""),
            usage=_usage(message),
        )


def _usage(message: AIMessage) -> Usage:
    reported: Any = message.usage_metadata or {}
    return Usage(
        input_tokens=reported.get("input_tokens"),
        cached_input_tokens=reported.get("input_token_details", {}).get("cache_read"),
        output_tokens=reported.get("output_tokens"),
        reasoning_tokens=reported.get("output_token_details", {}).get("reasoning"),
    )

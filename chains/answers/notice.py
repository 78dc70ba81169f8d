"""The line above an answer that is not from the documents: there, whether or not the model wrote it."""

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, closing
from typing import Any, cast

from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.runnables import Runnable, RunnableGenerator

from chains.models.origin import why_incomplete
from chains.models.thinking import thinking_of
from chains.text.refusal import is_refusal, notice_end

_LONGEST = 80
"""Characters by which a model that begins with a notice has written it."""


def notice_first(model: Runnable[Any, BaseMessage], notice: str) -> Runnable[Any, BaseMessage]:
    """Put a notice before what a model says, whole or streamed; one that the model wrote itself is not repeated."""

    def whole(given: Iterator[Any]) -> Iterator[BaseMessage]:
        beginning = _Beginning(notice)
        with closing(cast("Any", model.stream(list(given)[-1]))) as pieces:
            for piece in pieces:
                yield from beginning.take(piece)
        yield from beginning.end()

    async def streamed(given: AsyncIterator[Any]) -> AsyncIterator[BaseMessage]:
        beginning = _Beginning(notice)
        async with aclosing(cast("Any", model.astream([each async for each in given][-1]))) as pieces:
            async for piece in pieces:
                for ready in beginning.take(piece):
                    yield ready
        for ready in beginning.end():
            yield ready

    return RunnableGenerator(whole, streamed)


class _Beginning:
    """Keeps pieces back until it is clear whether they begin with a notice; thinking is not kept back."""

    def __init__(self, notice: str) -> None:
        self._notice = notice
        self._kept: BaseMessage | None = None
        self._over = False

    def take(self, piece: BaseMessage) -> Iterator[BaseMessage]:
        if self._over or (thinking_of(piece) and not piece.text):
            yield piece
            return
        self._kept = piece if self._kept is None else cast("AIMessageChunk", self._kept) + piece
        text = str(self._kept.text)
        written = notice_end(text)
        if len(text) > written if written is not None else len(text) > _LONGEST:
            yield from self.end()

    def end(self) -> Iterator[BaseMessage]:
        if self._kept is not None and not self._over:
            yield self._with_notice(self._kept)
        self._over = True

    def _with_notice(self, message: BaseMessage) -> BaseMessage:
        text = str(message.text)
        if is_refusal(text, "") and not why_incomplete(message):
            return message
        return message.model_copy(update={"content": f"{self._notice}\n\n{text[notice_end(text) or 0 :].lstrip()}"})

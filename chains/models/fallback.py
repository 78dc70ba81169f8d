"""Who answers: the chosen entry or, where it fails before it has said anything, the next one.

From the first word on nobody else is asked: a failure then ends the answer with what has arrived, marked as incomplete.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import aclosing, closing
from typing import Any, cast

from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.runnables import Runnable, RunnableGenerator

from chains.models.entries import Entries, OpenModel, Tell
from chains.models.origin import mark
from chains.models.thinking import THINKING
from chains.models.usage import reported
from chains.schema import Usage
from config.errors import ModelError
from config.models import ChatModelSpec


def ask_in_turn(
    entries: Entries, open_model: OpenModel, models: Mapping[str, ChatModelSpec], tell: Tell = str
) -> Runnable[Any, BaseMessage]:
    """Make the step from the prompt to the message. It streams from the model, also when it is invoked.

    So whatever has arrived before a failure is there in any case; `tell` words the failures that do not end the
    question. Raises ModelError, or ConfigError, as
    `Entries.without_first` does where no entry gives a first word.
    """

    def ask(prompts: Iterator[Any]) -> Iterator[BaseMessage]:
        prompt = list(prompts)[-1]
        asking = _Asking(entries, open_model, models, tell)
        while not asking.over:
            failure: ModelError | None = None
            try:
                with closing(cast("Any", asking.model().stream(prompt))) as pieces:
                    for piece in pieces:
                        yield from asking.take(piece)
            except ModelError as error:
                failure = error
            yield from asking.end(failure)

    async def ask_async(prompts: AsyncIterator[Any]) -> AsyncIterator[BaseMessage]:
        prompt = [each async for each in prompts][-1]
        asking = _Asking(entries, open_model, models, tell)
        while not asking.over:
            failure: ModelError | None = None
            try:
                async with aclosing(cast("Any", asking.model().astream(prompt))) as pieces:
                    async for piece in pieces:
                        for ready in asking.take(piece):
                            yield ready
            except ModelError as error:
                failure = error
            for ready in asking.end(failure):
                yield ready

    return RunnableGenerator(ask, ask_async)


class _Asking:
    """One question on its way through the entries; both twins of `ask_in_turn` do the same with it."""

    def __init__(
        self, entries: Entries, open_model: OpenModel, models: Mapping[str, ChatModelSpec], tell: Tell
    ) -> None:
        self._entries = entries
        self._open_model = open_model
        self._models = models
        self._tell = tell
        self._spent: list[Usage] = []
        self._before: AIMessageChunk | None = None
        self._begun = False
        self.over = False

    def model(self) -> Runnable[Any, BaseMessage]:
        """Open the model whose turn it is."""
        self._entries = self._entries.at_one_that_opens(self._open_model)
        return self._open_model(self._entries.next).with_config(run_name="llm")

    def take(self, piece: BaseMessage) -> Iterator[BaseMessage]:
        """Pass on a piece; of what comes before the first word, only the thinking, for another entry may follow."""
        if self._begun:
            yield piece
            return
        chunk = cast("AIMessageChunk", piece)
        self._before = chunk if self._before is None else self._before + chunk
        thinking = _thinking(piece)
        if self._before.text.strip():
            self._begun = True
            self._before.response_metadata |= self._origin()
            others = {key: value for key, value in self._before.additional_kwargs.items() if key != THINKING}
            yield self._before.model_copy(update={"additional_kwargs": others | thinking})
        elif thinking:
            yield AIMessageChunk(content="", additional_kwargs=thinking)

    def end(self, failure: ModelError | None) -> Iterator[BaseMessage]:
        """End the message, or go on to the next entry if nothing was said."""
        if self._begun:
            self.over = True
            if failure:
                yield AIMessageChunk(content="", response_metadata=mark(broke_off=self._tell(failure)))
            return
        before, self._before = self._before, None
        if before is not None:
            self._spent.append(reported(before, self._models[self._entries.next]))
        self._entries = self._entries.without_first(failure or self._silence(before))
        if before is not None and _thinking(before):
            yield AIMessageChunk(content="", additional_kwargs={THINKING: "\n\n"})  # the next one thinks anew

    def _silence(self, reply: AIMessageChunk | None) -> ModelError:
        reason = reply.response_metadata.get("finish_reason") if reply else None
        return ModelError(f"model {self._entries.next!r}: the answer is empty (finish_reason {reason!r}); ask again")

    def _origin(self) -> dict[str, Any]:
        spec = self._models[self._entries.next]
        notices = self._entries.notices(self._tell)
        if notices and spec.provider == "offline":
            notices.append("no model could be reached: the answer is made of quotations from the documents")
        return mark(llm=spec.name, model=spec.model, notices=notices, spent=self._spent)


def _thinking(message: BaseMessage) -> dict[str, Any]:
    said = message.additional_kwargs.get(THINKING)
    return {THINKING: said} if said else {}

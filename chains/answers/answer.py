"""The last step of the chain: what the steps before it made becomes the answer, whole or piece by piece."""

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, cast

from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.runnables import AddableDict

from chains.answers.checks import check, unchecked
from chains.answers.citations import Renumbering
from chains.models.entries import Tell
from chains.models.origin import origin, why_incomplete
from chains.models.thinking import thinking_of
from chains.models.usage import calls_of, total
from chains.state import State
from chains.text.refusal import begins_with_notice, is_refusal
from config.models import ChatModelSpec


def finish(models: Mapping[str, ChatModelSpec], tell: Tell, pieces: Iterator[Any]) -> Iterator[AddableDict]:
    """Give the sources as soon as they are there, the text as it comes, and what can only be told at the end."""
    answer = _Answer(models, tell)
    for piece in pieces:
        yield from answer.take(piece)
    yield answer.end()


async def finish_async(
    models: Mapping[str, ChatModelSpec], tell: Tell, pieces: AsyncIterator[Any]
) -> AsyncIterator[AddableDict]:
    """Do the same as `finish`."""
    answer = _Answer(models, tell)
    async for piece in pieces:
        for part in answer.take(piece):
            yield part
    yield answer.end()


class _Answer:
    """Puts the pieces of the state together again while it passes on what the caller waits for."""

    def __init__(self, models: Mapping[str, ChatModelSpec], tell: Tell) -> None:
        self._models = models
        self._tell = tell
        self._state: dict[str, Any] = {}
        self._message: BaseMessage | None = None
        self._written = Renumbering(())

    def take(self, piece: dict[str, Any]) -> Iterator[AddableDict]:
        message = piece.get("message")
        self._state |= {key: value for key, value in piece.items() if key != "message"}
        if "sources" in piece:
            self._written = Renumbering({source["n"] for source in piece["sources"]})
            yield AddableDict(question=self._state["question"], search=self._state["search"], sources=piece["sources"])
        if message is not None:
            self._message = message if self._message is None else cast("AIMessageChunk", self._message) + message
            if thinking := thinking_of(message):
                yield AddableDict(thinking=thinking)
            if shown := self._show(str(message.text)):
                yield shown

    def end(self) -> AddableDict:
        state = cast("State", self._state)
        message = cast("AIMessage", self._message)
        incomplete = why_incomplete(message)
        rest = self._show("", last=True, broken_off=incomplete is not None)
        text = str(message.text)
        refused = incomplete is None and is_refusal(text, state["refusal"])
        to_check = state["retrieval"] and not refused
        written = self._written
        checks = check(written, state["sources"], state["question"]) if to_check else unchecked(written)
        if incomplete is not None:  # the source of the last statement may be what is missing
            checks["uncited"] = [each for each in checks["uncited"] if each["end"] < len(written.text.rstrip())]
        asked = origin(message)
        calls = [*asked["spent"], *calls_of(message, self._models[asked["llm"]])] if asked else []
        return AddableDict(
            {"thinking": "", "answer": "", "cited": []} | rest | checks,
            incomplete=incomplete,
            refused=refused,
            own_knowledge=not state["retrieval"] or begins_with_notice(text),
            confidence=state["confidence"],
            notices=[*state["notices"], *(asked["notices"] if asked else state["entries"].notices(self._tell))],
            llm=asked["llm"] if asked else state["llm"],
            model=message.response_metadata.get("model_name") or (asked["model"] if asked else state["model"]),
            prompt=state["prompt"],
            mode=state["mode"],
            finish_reason=message.response_metadata.get("finish_reason", ""),
            usage=total([*state["spent"], *calls]),
        )

    def _show(self, text: str, *, last: bool = False, broken_off: bool = False) -> AddableDict:
        """Give the text that can be shown now, and the passages that it is the first to cite."""
        if not self._state["retrieval"]:
            return AddableDict(answer=text) if text else AddableDict()
        known = len(self._written.cited)
        shown = self._written.feed(text) + (self._written.end(broken_off=broken_off) if last else "")
        cited = self._written.cited[known:]
        return AddableDict(({"answer": shown} if shown else {}) | ({"cited": cited} if cited else {}))

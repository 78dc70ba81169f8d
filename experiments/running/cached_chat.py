"""A chat model that asks another one, but never twice the same: what it said is kept and said again."""

import time
from collections.abc import Callable, Iterator
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from pydantic import ConfigDict, Field
from typing_extensions import override

from chains.models.usage import reported
from config.models import ChatModelSpec
from experiments.running.reply_cache import ReplyCache, request_key

TIMES = "askmd_times"
"""Key of a message's `response_metadata`: in a list, because those of chunks are merged, one dictionary of
`first_token` and `whole`, in seconds as when the reply was made, and whether it came from the cache (`cached`).
"""
_WHOLE = {"stop"}


class CachedChat(BaseChatModel):
    """Keeps replies that ended by themselves; a failure, and what was cut off, is asked anew."""

    inner: BaseChatModel = Field(exclude=True, repr=False)
    spec: ChatModelSpec
    replies: ReplyCache | None = Field(exclude=True, repr=False)
    """None: each request is made."""
    repeat: int = 0
    paid: Callable[[float], None] = Field(exclude=True, repr=False)
    """Told what each call costs, US dollars, where that is known; what is said again costs nothing."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    @property
    def _llm_type(self) -> str:
        return "askmd-cached"

    @override
    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        from langchain_core.language_models.chat_models import generate_from_stream

        return generate_from_stream(self._stream(messages, stop, run_manager, **kwargs))

    @override
    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        key = request_key(self.spec, messages, self.repeat)
        kept = self.replies.get(key) if self.replies else None
        if kept is not None:
            times = kept.response_metadata[TIMES][0]
            kept.response_metadata[TIMES] = [{**times, "cached": True}]
            yield ChatGenerationChunk(message=kept)
            return
        yield from self._ask(messages, key)

    def _ask(self, messages: list[BaseMessage], key: str) -> Iterator[ChatGenerationChunk]:
        began = time.perf_counter()
        first: float | None = None
        whole: AIMessageChunk | None = None
        for piece in self.inner.stream(messages):
            if first is None and piece.text:
                first = time.perf_counter() - began
            whole = piece if whole is None else whole + piece
            yield ChatGenerationChunk(message=piece)
        if whole is None:
            return
        self.paid(reported(whole, self.spec)["cost"] or 0.0)
        times = {"first_token": first, "whole": time.perf_counter() - began, "cached": False}
        last = AIMessageChunk(content="", response_metadata={TIMES: [times]})
        yield ChatGenerationChunk(message=last)
        if self.replies and whole.response_metadata.get("finish_reason") in _WHOLE:
            self.replies.put(key, whole + last)

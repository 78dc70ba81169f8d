"""The chain as clients reach it: questions of a bearable size, so many at once, and every answer counted."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any, cast

from langchain_core.runnables import Runnable, RunnableBinding, RunnableConfig

from askmd.serving.metrics import Metrics
from askmd.serving.problems import problem_of
from askmd.serving.request import current_request, note_failure
from chains.schema import Answer, Question
from config.errors import QuestionError
from config.serving import ServingSettings


class ServedChain(RunnableBinding[Any, Any]):
    """Raises QuestionError for what is too long; else what the chain raises. Invoked, it streams all the same.

    A request may hold several questions; those that find no place among the answers under way wait for one.
    """

    metrics: Any
    serving: ServingSettings
    places: Any

    # a binding's own would go past `astream` below
    abatch = Runnable.abatch
    astream_events = Runnable.astream_events

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """Give the whole answer."""
        answer: Any = {}
        async with aclosing(cast("Any", self.astream(input, config, **kwargs))) as pieces:
            async for piece in pieces:
                answer = piece if not answer else answer + piece
        return dict(answer)

    async def astream(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> AsyncIterator[Any]:
        """Give the pieces of the answer as they come."""
        metrics = cast("Metrics", self.metrics)
        started = time.perf_counter()
        answer: Any = {}
        try:
            check_size(input, self.serving)
            pieces = cast("Any", super().astream(input, config, **kwargs))
            async with self.places, aclosing(pieces):
                async for piece in pieces:
                    for stage in _stages(piece, answer):
                        metrics.seconds.labels(stage).observe(time.perf_counter() - started)
                    answer = piece if not answer else answer + piece
                    yield piece
        except Exception as error:
            note_failure(error)
            metrics.errors.labels(problem_of(error).kind).inc()
            raise
        metrics.seconds.labels("answer").observe(time.perf_counter() - started)
        metrics.answered(answer)
        _note(answer, self.serving)


def served(
    chain: Runnable[str | Question, Answer], metrics: Metrics, serving: ServingSettings
) -> Runnable[str | Question, Answer]:
    """Make it of a chain."""
    return ServedChain(bound=chain, metrics=metrics, serving=serving, places=asyncio.Semaphore(serving.max_answers))


def check_size(asked: Any, serving: ServingSettings) -> None:
    """Raise QuestionError for a question or a history that is too long; what has another form, the chain refuses."""
    question = asked.get("question") if isinstance(asked, Mapping) else asked
    if isinstance(question, str) and len(question) > serving.max_question_chars:
        raise QuestionError(
            f"the question has {len(question)} characters; at most {serving.max_question_chars} are read"
        )
    history = asked.get("chat_history") if isinstance(asked, Mapping) else None
    if isinstance(history, list | tuple):
        if len(history) > serving.max_history_messages:
            raise QuestionError(
                f"chat_history has {len(history)} messages; at most {serving.max_history_messages} are read"
            )
        size = sum(len(str(message)) for message in history)
        if size > serving.max_history_chars:
            raise QuestionError(f"chat_history has {size} characters; at most {serving.max_history_chars} are read")


def _stages(piece: Mapping[str, Any], before: Mapping[str, Any]) -> list[str]:
    """Name the stages that are done with this piece."""
    stages = ["search"] if "sources" in piece else []
    if piece.get("answer") and not before.get("answer"):
        stages.append("first_token")
    return stages


def _note(answer: Mapping[str, Any], serving: ServingSettings) -> None:
    facts = current_request().facts
    facts |= {"llm": answer["llm"], "refused": answer["refused"], "incomplete": bool(answer["incomplete"])}
    for name in ("input_tokens", "output_tokens", "cost"):
        before, told = facts.get(name, 0), answer["usage"][name]  # a request may hold several questions
        facts[name] = None if before is None or told is None else before + told
    if serving.log_questions:
        facts["question"] = answer["question"]

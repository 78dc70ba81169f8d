"""One call: a question to an arm, its answer measured."""

import json
import time
from dataclasses import dataclass
from typing import Any

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.runnables import Runnable

from config.errors import AskmdError
from experiments.measuring.measures import measure_answer
from experiments.queries import Query
from experiments.records import Arm, Record
from experiments.running.cached_chat import TIMES


@dataclass(frozen=True, slots=True)
class Call:
    """One question to one arm."""

    arm: Arm
    query: Query
    repeat: int

    @property
    def key(self) -> tuple[str, str, int]:
        """See Record.key."""
        return self.arm.name, self.query.id, self.repeat


def ask(call: Call, chain: Runnable[Any, Any], choices: dict[str, Any]) -> Record:
    """Make a call and measure it. What fails, or breaks off, becomes a record of a failure."""
    watch = _Watch()
    began = time.perf_counter()
    first: float | None = None
    answer: Any = {}
    error: str | None = None
    try:
        for piece in chain.stream(call.query.question, config={"configurable": choices, "callbacks": [watch]}):
            if first is None and piece.get("answer"):
                first = time.perf_counter() - began
            answer = piece if not answer else answer + piece
    except AskmdError as failure:
        error = str(failure)
    seconds = time.perf_counter() - began
    if error is None and answer["incomplete"]:
        error = f"the answer is incomplete: {answer['incomplete']}"
    cached = bool(watch.times) and all(times["cached"] for times in watch.times)
    if cached:  # as long as it took when the reply was made
        first = None if first is None else first + sum(times["first_token"] or 0.0 for times in watch.times)
        seconds += sum(times["whole"] for times in watch.times)
    given = None if error else json.loads(json.dumps(dict(answer), default=str))
    measures = {} if error else measure_answer(call.query, answer, call.arm.context, first, seconds)
    return Record(
        arm=call.arm.name,
        question=call.query.id,
        repeat=call.repeat,
        answer=given,
        error=error,
        first_token_seconds=first,
        seconds=seconds,
        cached=cached,
        measures=measures,
    )


class _Watch(BaseCallbackHandler):
    """Hears how long each reply took, and whether it came from the cache."""

    def __init__(self) -> None:
        self.times: list[dict[str, Any]] = []

    def on_llm_end(self, response: Any, **_: Any) -> None:
        """Note the times that the model left in its reply."""
        for generations in response.generations:
            for generation in generations:
                self.times += generation.message.response_metadata.get(TIMES, [])

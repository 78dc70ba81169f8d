"""What holds for every answer that the server gives, whichever way the chain is called."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from langchain_core.runnables import Runnable, RunnableGenerator
from langchain_core.runnables.utils import AddableDict

from askmd.serving.metrics import Metrics
from askmd.serving.request import begin_request
from askmd.serving.served_chain import served
from config.errors import QuestionError, StoreError
from config.serving import ServingSettings

USAGE = {"input_tokens": 7, "output_tokens": 3, "cached_input_tokens": None, "reasoning_tokens": None, "cost": None}


class Chain:
    """Answers with the question, by and by; knows how many answers were under way at once."""

    def __init__(self) -> None:
        self.now = self.most = 0

    async def __call__(self, questions: AsyncIterator[Any]) -> AsyncIterator[Any]:
        async for question in questions:
            self.now += 1
            self.most = max(self.most, self.now)
            yield AddableDict(question=question, sources=[], llm="m", refused=False, incomplete=None)
            for _ in range(5):
                await asyncio.sleep(0)
            if question == "broken":
                raise StoreError("/secret/askmd.db is locked")
            if question == "bug":
                raise ZeroDivisionError
            self.now -= 1
            yield AddableDict(answer=question, usage=USAGE)


async def drained(pieces: Any) -> list[Any]:
    return [piece async for piece in pieces]


WAYS: dict[str, Callable[[Runnable[Any, Any], str], Any]] = {
    "invoke": lambda chain, asked: chain.ainvoke(asked),
    "batch": lambda chain, asked: chain.abatch([asked]),
    "stream": lambda chain, asked: drained(chain.astream(asked)),
    "stream_log": lambda chain, asked: drained(chain.astream_log(asked)),
    "stream_events": lambda chain, asked: drained(chain.astream_events(asked, version="v2")),
}
every_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


def figures(metrics: Metrics) -> dict[str, float]:
    lines = [line for line in metrics.text().decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def make(chain: Chain, **limits: Any) -> tuple[Runnable[Any, Any], Metrics]:
    metrics = Metrics()
    return served(RunnableGenerator(chain), metrics, ServingSettings(**limits)), metrics


@every_way
def test_every_answer_is_counted(way: Any) -> None:
    chain, metrics = make(Chain())

    asyncio.run(way(chain, "tea"))

    told = figures(metrics)
    assert told['askmd_answers_total{llm="m",outcome="whole"}'] == 1
    assert told['askmd_tokens_total{kind="input",llm="m"}'] == 7


@every_way
def test_no_way_leads_past_the_limits(way: Any) -> None:
    chain, metrics = make(Chain(), max_question_chars=3)

    with pytest.raises(QuestionError, match="the question has 4 characters"):
        asyncio.run(way(chain, "teas"))

    assert figures(metrics)['askmd_errors_total{kind="question"}'] == 1


def test_no_more_answers_are_under_way_at_once_than_allowed() -> None:
    answering = Chain()
    chain, _ = make(answering, max_answers=2)

    async def ask_all() -> list[Any]:
        return [*await asyncio.gather(chain.abatch(["a", "b", "c"]), chain.ainvoke("d"))]

    many, one = asyncio.run(ask_all())

    assert [answer["answer"] for answer in [*many, one]] == ["a", "b", "c", "d"]
    assert answering.most == 2


def test_the_log_says_what_the_client_is_not_told() -> None:
    request = begin_request("r")
    chain, metrics = make(Chain())

    with pytest.raises(StoreError):
        asyncio.run(chain.ainvoke("broken"))

    assert request.facts == {"error": "/secret/askmd.db is locked"}
    assert figures(metrics)['askmd_errors_total{kind="store"}'] == 1


def test_what_nobody_foresaw_is_logged_with_its_place_once(caplog: pytest.LogCaptureFixture) -> None:
    begin_request("r-1")
    chain, metrics = make(Chain())

    with caplog.at_level(logging.ERROR), pytest.raises(ZeroDivisionError):
        asyncio.run(chain.ainvoke("bug"))

    (record,) = caplog.records
    assert vars(record)["request_id"] == "r-1"
    assert "ZeroDivisionError" in caplog.text
    assert figures(metrics)['askmd_errors_total{kind="internal"}'] == 1


def test_a_request_of_several_questions_tells_the_tokens_of_all() -> None:
    request = begin_request("r")
    chain, _ = make(Chain())

    asyncio.run(chain.abatch(["a", "b"]))

    assert (request.facts["input_tokens"], request.facts["output_tokens"]) == (14, 6)

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.runnables import Runnable, RunnableGenerator, RunnableLambda

from chains.answers.notice import notice_first

NOTICE = "Not from the documents:"
SAID = [
    ("In 1998 France won.", f"{NOTICE}\n\nIn 1998 France won."),
    (f"{NOTICE}\n\nIn 1998 France won.", f"{NOTICE}\n\nIn 1998 France won."),
    ("**Nicht aus den Dokumenten:** In 1998.", f"{NOTICE}\n\nIn 1998."),
    ("The documents do not answer this question.", "The documents do not answer this question."),
    (f"{'Long. ' * 40}[1]", f"{NOTICE}\n\n{'Long. ' * 40}[1]"),
    ("", f"{NOTICE}\n\n"),
]


@pytest.mark.parametrize(("said", "shown"), SAID)
def test_a_whole_message_gets_the_notice_once(said: str, shown: str) -> None:
    model: Runnable[Any, BaseMessage] = RunnableLambda(lambda _: AIMessage(said))
    assert notice_first(model, NOTICE).invoke("prompt").text == shown


@pytest.mark.parametrize(("said", "shown"), SAID)
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_a_stream_gets_the_notice_once(said: str, shown: str, size: int) -> None:
    parts = [said[at : at + size] for at in range(0, len(said), size)] + [""]

    def pieces(_: Iterator[Any]) -> Iterator[BaseMessage]:
        yield from (AIMessageChunk(content=part) for part in parts)

    async def later(_: AsyncIterator[Any]) -> AsyncIterator[BaseMessage]:
        for part in parts:
            yield AIMessageChunk(content=part)

    chain = notice_first(RunnableGenerator(pieces, later), NOTICE)

    async def collect() -> str:
        return "".join([str(piece.text) async for piece in chain.astream("prompt")])

    assert "".join(str(piece.text) for piece in chain.stream("prompt")) == shown
    assert asyncio.run(collect()) == shown

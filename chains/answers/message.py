"""The step that lets the message join the state while it streams, and makes the answer of both.

It is one step and reads the message inside. A step that is given a stream by another one cannot be left early:
LangChain then reads that stream to its end for its traces, and a model would go on writing (and costing) for nobody.
Neither does it read in another thread, as RunnablePassthrough.assign does, for which Ctrl-C would have to wait.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import aclosing, closing
from typing import Any, cast

from langchain_core.runnables import AddableDict, Runnable, RunnableGenerator

from chains.answers.answer import finish, finish_async
from chains.models.entries import Tell
from config.models import ChatModelSpec


def answer_with(
    generate: Runnable[Any, Any], models: Mapping[str, ChatModelSpec], tell: Tell = str
) -> Runnable[Any, Any]:
    """Make the step from the state to the answer; `generate` gives the message for a state, from one of the models.

    `tell` words the failures of entries in whose place another one answers.
    """

    def add_message(states: Iterator[Any]) -> Iterator[dict[str, Any]]:
        state: dict[str, Any] = {}
        for part in states:
            state |= part
            yield part
        with closing(cast("Any", generate.stream(state))) as pieces:
            for piece in pieces:
                yield {"message": piece}

    async def add_message_async(states: AsyncIterator[Any]) -> AsyncIterator[dict[str, Any]]:
        state: dict[str, Any] = {}
        async for part in states:
            state |= part
            yield part
        async with aclosing(cast("Any", generate.astream(state))) as pieces:
            async for piece in pieces:
                yield {"message": piece}

    def answer(states: Iterator[Any]) -> Iterator[AddableDict]:
        with closing(cast("Any", add_message(states))) as pieces:
            yield from finish(models, tell, pieces)

    async def answer_async(states: AsyncIterator[Any]) -> AsyncIterator[AddableDict]:
        async with aclosing(cast("Any", add_message_async(states))) as pieces:
            async for part in finish_async(models, tell, pieces):
                yield part

    return RunnableGenerator(answer, answer_async)

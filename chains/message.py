"""The step that lets a message join the state while it streams."""

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, closing
from typing import Any, cast

from langchain_core.runnables import AddableDict, Runnable, RunnableGenerator


def add_message(generate: Runnable[Any, Any]) -> Runnable[Any, AddableDict]:
    """Make the step that passes the state on at once, and then the message as it comes.

    RunnablePassthrough.assign does the same, but reads the message in another thread, which Ctrl-C must wait for.
    """

    def add(states: Iterator[Any]) -> Iterator[AddableDict]:
        state: dict[str, Any] = {}
        for part in states:
            state |= part
            yield AddableDict(part)
        with closing(cast("Any", generate.stream(state))) as pieces:
            for piece in pieces:
                yield AddableDict(message=piece)

    async def add_async(states: AsyncIterator[Any]) -> AsyncIterator[AddableDict]:
        state: dict[str, Any] = {}
        async for part in states:
            state |= part
            yield AddableDict(part)
        async with aclosing(cast("Any", generate.astream(state))) as pieces:
            async for piece in pieces:
                yield AddableDict(message=piece)

    return RunnableGenerator(add, add_async)

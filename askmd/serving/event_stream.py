"""Server-sent events: the response, with signs of life while there is nothing else to say."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import anyio
from fastapi.responses import StreamingResponse
from fastapi.sse import KEEPALIVE_COMMENT

SILENCE = 15.0
"""Seconds: a proxy gives a connection up on which nothing came for longer than its limit, often 60 s."""

_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


async def begin_stream(events: AsyncGenerator[bytes]) -> StreamingResponse:
    """Make the response of encoded events, once there is a first one, or nothing came for SILENCE seconds.

    So what fails at once can still be told by a status: raises what `events` raise until then. They are closed when
    the client leaves, wherever they stand.
    """
    parts = with_signs_of_life(events, SILENCE)
    first = await anext(parts, b"")

    async def go_on() -> AsyncGenerator[bytes]:
        async with aclosing(parts):
            yield first
            async for part in parts:
                yield part

    return StreamingResponse(go_on(), headers=_HEADERS, media_type="text/event-stream")


async def with_signs_of_life(events: AsyncGenerator[bytes], silence: float) -> AsyncGenerator[bytes]:
    """Pass the events on, and a comment whenever none came for `silence` seconds.

    They are read in one task of their own: what they open is closed in the task that opened it, and at once when the
    reader leaves, whatever they wait for.
    """
    ready, arriving = anyio.create_memory_object_stream[bytes](0)

    async def read() -> None:
        with ready:
            async with aclosing(events):
                async for event in events:
                    await ready.send(event)

    reading = asyncio.create_task(read())
    with ready, arriving:
        try:
            while True:
                try:
                    with anyio.fail_after(silence):
                        event = await arriving.receive()
                except TimeoutError:
                    event = KEEPALIVE_COMMENT
                except anyio.EndOfStream:
                    break
                yield event
            await reading
        finally:
            reading.cancel()
            ending = asyncio.create_task(_cancel_until_done(reading))
            _ending.add(ending)
            ending.add_done_callback(_ending.discard)


_ending: set[asyncio.Task[None]] = set()
"""The event loop itself keeps no task alive."""


async def _cancel_until_done(task: asyncio.Task[None]) -> None:
    """LangChain's log of a run, cancelled once, waits for the run; the second time it cancels that, too.

    Two cancellations between two steps of a task count as one: a busy loop may need a third.
    """
    while not (await asyncio.wait([task], timeout=1.0))[0]:
        task.cancel()

"""Events with signs of life between them; what makes them is ended when nobody reads them."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable

import pytest
from fastapi.sse import KEEPALIVE_COMMENT

from askmd.serving.event_stream import begin_stream, with_signs_of_life


class Source:
    """Gives events as they are released, and knows whether it was closed."""

    def __init__(self, *events: bytes, then: Callable[[], Awaitable[object]] | None = None) -> None:
        self.events = events
        self.then = then
        self.closed = asyncio.Event()

    async def __call__(self) -> AsyncGenerator[bytes]:
        try:
            for event in self.events:
                yield event
            if self.then:
                await self.then()
        finally:
            self.closed.set()


async def forever() -> None:
    await asyncio.Event().wait()


async def fail() -> None:
    raise ValueError("broken")


def test_all_events_arrive_in_their_order() -> None:
    async def read() -> list[bytes]:
        return [event async for event in with_signs_of_life(Source(b"1", b"2", b"3")(), 60)]

    assert asyncio.run(read()) == [b"1", b"2", b"3"]


def test_silence_is_filled() -> None:
    async def read() -> list[bytes]:
        source = Source(b"1", then=forever)
        parts = with_signs_of_life(source(), 0.01)
        got = [await anext(parts) for _ in range(3)]
        await parts.aclose()
        await source.closed.wait()
        return got

    assert asyncio.run(read()) == [b"1", KEEPALIVE_COMMENT, KEEPALIVE_COMMENT]


def test_a_failure_comes_after_what_came_before_it() -> None:
    async def read(got: list[bytes]) -> None:
        async for event in with_signs_of_life(Source(b"1", then=fail)(), 60):
            got.append(event)

    got: list[bytes] = []
    with pytest.raises(ValueError, match="broken"):
        asyncio.run(read(got))
    assert got == [b"1"]


@pytest.mark.parametrize("then", [forever, None])
def test_a_reader_that_leaves_ends_the_source(then: Callable[[], Awaitable[object]] | None) -> None:
    async def leave() -> None:
        source = Source(b"1", b"2", b"3", then=then)
        async for _ in (parts := with_signs_of_life(source(), 60)):
            break
        await parts.aclose()
        await source.closed.wait()

    asyncio.run(leave())


def test_a_source_that_waits_for_its_run_when_it_is_cancelled_is_ended_too() -> None:
    async def leave() -> None:
        run = asyncio.create_task(forever())

        async def stubborn() -> None:
            try:
                await forever()
            finally:
                await run

        parts = with_signs_of_life(Source(b"1", then=stubborn)(), 0.01)
        while await anext(parts) != KEEPALIVE_COMMENT:
            """Go on until it waits."""
        await parts.aclose()
        await asyncio.wait([run])

    asyncio.run(leave())


def test_a_failure_before_the_first_event_is_raised_in_time_for_a_status() -> None:
    with pytest.raises(ValueError, match="broken"):
        asyncio.run(begin_stream(Source(then=fail)()))

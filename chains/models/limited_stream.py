"""Waiting, under the limits of a registry entry, for what another library brings: for its tokens, or its whole reply.

Such a library sends by a client of its own, so that what chains/models/limited_calls.py sees is not to be seen here: of
an entry's limits these are kept that can be, on the time until something arrives and on how many wait at once.
"""

import asyncio
import contextvars
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, suppress
from queue import Empty, Queue
from typing import Any, TypeVar, cast

from chains.models.limited_calls import busy, patience
from chains.models.slots import Place, Slots
from chains.models.time_limits import TimeLimits
from config.models import ChatModelSpec

Item = TypeVar("Item")


class LimitedWaiting:
    """Of one entry. All raise CallFailed where a limit is exceeded, and what the library raises."""

    def __init__(self, spec: ChatModelSpec) -> None:
        self._spec = spec
        self._slots = Slots(spec.max_concurrency)

    def call(self, work: Callable[[], Item]) -> Item:
        """Give what one call of the library gives."""
        return next(self._iterate(lambda: iter([work()]), streamed=False))

    async def call_async(self, work: Callable[[], Any]) -> Any:
        """Do the same with an asynchronous call."""

        async def once() -> AsyncIterator[Any]:
            yield await work()

        async with aclosing(cast("Any", self._iterate_async(once(), streamed=False))) as items:
            return await anext(items)

    def iterate(self, begin: Callable[[], Iterator[Item]]) -> Iterator[Item]:
        """Give what the library's iterator gives. Left early, it is read no further than to the item under way."""
        return self._iterate(begin, streamed=True)

    def iterate_async(self, items: AsyncIterator[Item]) -> AsyncIterator[Item]:
        """Do the same with an asynchronous iterator. Left early, it is closed at once."""
        return self._iterate_async(items, streamed=True)

    def _iterate(self, begin: Callable[[], Iterator[Item]], *, streamed: bool) -> Iterator[Item]:
        place = self._slots.ask()
        try:
            place.wait(patience(self._spec, self._slots))
        except TimeoutError:
            place.leave()
            raise busy(self._slots) from None
        limits = TimeLimits(self._spec, streamed=streamed)
        reading = _Reading(begin, place)
        try:
            while True:
                try:
                    ended, item = reading.arrived.get(timeout=limits.wait())
                except Empty:
                    raise limits.exceeded() from None
                if ended:
                    if item:
                        raise item
                    return
                limits.check(token=True)
                yield item
        finally:
            reading.left.set()

    async def _iterate_async(self, items: AsyncIterator[Item], *, streamed: bool) -> AsyncIterator[Item]:
        place = self._slots.ask()
        try:
            await place.wait_async(patience(self._spec, self._slots))
        except TimeoutError:
            place.leave()
            raise busy(self._slots) from None
        limits = TimeLimits(self._spec, streamed=streamed)
        try:
            async with aclosing(cast("Any", items)):
                while True:
                    waiting = asyncio.timeout(limits.wait())
                    try:
                        async with waiting:
                            item = await anext(items)
                    except StopAsyncIteration:
                        return
                    except TimeoutError:
                        if waiting.expired():
                            raise limits.exceeded() from None
                        raise
                    limits.check(token=True)
                    yield item
        finally:
            place.leave()


class _Reading:
    """Reads in a thread of its own, for nothing else can be left while it waits; holds the slot as long as it reads."""

    def __init__(self, begin: Callable[[], Iterator[Any]], place: Place) -> None:
        self.arrived: Queue[tuple[bool, Any]] = Queue()
        """(False, item), and in the end (True, the error or None)."""
        self.left = threading.Event()
        self._begin = begin
        self._place = place
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(self._read,), name="askmd reading", daemon=True).start()

    def _read(self) -> None:
        error: BaseException | None = None
        try:
            items = self._begin()
            for item in items:
                self.arrived.put((False, item))
                if self.left.is_set():
                    with suppress(AttributeError):  # only generators can be closed
                        cast("Any", items).close()
                    break
        except BaseException as raised:  # noqa: BLE001 - it is raised again where it is waited for
            error = raised
        finally:
            self._place.leave()
            self.arrived.put((True, error))

"""How many may do something at once, threads and tasks of any event loop counted together."""

import asyncio
from collections import deque
from concurrent.futures import Future


class Slots:
    """So many hold a slot at once; who comes later stands in line, first come, first served.

    There is no lock to wait for: a slot may be given back by the garbage collector, in the midst of anything. The
    operations of a deque are atomic.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self._free = deque([None] * number)
        self._line: deque[Future[None]] = deque()

    def ask(self) -> "Place":
        """Take a place in the line. It must be left in the end, whether it came to hold a slot or not."""
        turn: Future[None] = Future()
        self._line.append(turn)
        self._match()
        return Place(self, turn)

    @property
    def waiting(self) -> int:
        """How many stand in line; some that left it may still be counted."""
        return len(self._line)

    def give_back(self) -> None:
        """Let the next one have a slot."""
        self._free.append(None)
        self._match()

    def _match(self) -> None:
        while self._line:
            try:
                self._free.pop()
            except IndexError:
                return
            try:
                turn = self._line.popleft()
            except IndexError:  # another thread was quicker; the loop looks whether someone came meanwhile
                self._free.append(None)
                continue
            if turn.set_running_or_notify_cancel():
                turn.set_result(None)
            else:
                self._free.append(None)


class Place:
    """A place in the line; `turn` is done as soon as it holds a slot."""

    def __init__(self, slots: Slots, turn: "Future[None]") -> None:
        self._slots = slots
        self._turn: Future[None] | None = turn

    def wait(self, seconds: float) -> None:
        """Wait for the slot. Raises TimeoutError."""
        if self._turn:
            self._turn.result(seconds)

    async def wait_async(self, seconds: float) -> None:
        """Do the same in an event loop."""
        if self._turn and not self._turn.done():
            await asyncio.wait_for(asyncio.wrap_future(self._turn), seconds)

    def leave(self) -> None:
        """Give the slot back, or stop waiting for it; doing it twice does no harm."""
        turn, self._turn = self._turn, None
        if turn and not turn.cancel():
            self._slots.give_back()

"""How long a call of a chat model may still wait: for the first token, for the next one, for the whole answer."""

import contextlib
import socket
import threading
import time

from chains.models.call_failed import CallFailed
from config.models import ChatModelSpec

_LOOK = 0.25
"""Seconds between two looks of a watch at whether anyone waits."""


class TimeLimits:
    """The limits of one call. Between tokens only waiting counts, not what the reader does with them."""

    def __init__(self, spec: ChatModelSpec, *, streamed: bool) -> None:
        self._spec = spec
        self._what = "no first token" if streamed else "nothing"
        self._key = "first_token_timeout"
        self._end = time.monotonic() + spec.answer_timeout
        self._limit = self._left = spec.first_token_limit
        self._since = 0.0

    def restart(self) -> None:
        """Begin another attempt: the limit of the first token is its own, that of the whole answer is not."""
        self._limit = self._left = self._spec.first_token_limit

    def wait(self) -> float:
        """Begin to wait; gives for how many seconds at most."""
        self._since = time.monotonic()
        return max(0.001, min(self._left, self._end - self._since))  # 0 would mean not to wait at all

    def check(self, *, token: bool) -> None:
        """End the wait; `token` says whether one arrived, or only a sign of life. Raises CallFailed when it is late."""
        now = time.monotonic()
        self._left -= now - self._since
        if now > self._end or (not token and self._left <= 0):
            raise self.exceeded()
        if token:
            self._what, self._key = "no further token", "timeout"
            self._limit = self._left = self._spec.timeout

    def exceeded(self) -> CallFailed:
        """Say which limit was exceeded."""
        if time.monotonic() >= self._end:
            what = f"the answer was not whole after {self._spec.answer_timeout:g} s"
            return CallFailed("timeout", what, "ask for less, or raise the entry's `answer_timeout`")
        what = f"{self._what} arrived for {self._limit:g} s"
        return CallFailed("timeout", what, f"try again later, or raise the entry's `{self._key}`")


class Watch:
    """Breaks a connection off when a thread waits for it too long.

    A timeout of the HTTP library does not do: it can not be changed while a reply is read, and begins anew with each
    byte, be it only a sign of life.
    """

    def __init__(self, connection: socket.socket) -> None:
        self.late = False
        self._connection = connection
        self._due: float | None = None
        self._stopped = threading.Event()
        threading.Thread(target=self._look, name="askmd time limits", daemon=True).start()

    def expect(self, seconds: float) -> None:
        """Begin to wait for so long at most."""
        self._due = time.monotonic() + seconds

    def relax(self) -> None:
        """End the wait."""
        self._due = None

    def stop(self) -> None:
        """End the watch."""
        self._stopped.set()

    def _look(self) -> None:
        left = 0.0
        while not self._stopped.wait(min(max(left, 0.001), _LOOK)):
            due = self._due
            left = _LOOK if due is None else due - time.monotonic()
            if left <= 0:
                self.late = True
                with contextlib.suppress(OSError):  # it is closed already
                    socket.socket.shutdown(self._connection, socket.SHUT_RDWR)  # wakes up who reads, under TLS too
                return

"""Requests under the limits of a registry entry: how many at once, how often, how long, how much comes back.

The limits are kept here and nowhere else, around the HTTP client that the client library sends with: only here are the
bytes seen that tell a server at work from one that hangs. The client library's own retries and time limits are off.
"""

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, suppress
from typing import Any

import httpx2

from chains.models.call_failed import CallFailed
from chains.models.retries import Attempts, causes
from chains.models.slots import Place, Slots
from chains.models.time_limits import TimeLimits, Watch
from chains.models.tokens_seen import TokensSeen
from config.models import ChatModelSpec

ATTEMPTS = "askmd.attempts"
"""Under this name the extensions of a response hold its Attempts."""

_MOST_OF_A_REFUSAL = 65_536
"""Bytes of a response that is no reply which are read: its error object is short."""
_END_OF_BODY = 0.1
"""Seconds to wait for the end of a body after the end of the stream in it."""
_BROKEN = (httpx2.RequestError, httpx2.StreamError)


class LimitedClient(httpx2.Client):
    """Sends as httpx2.Client does. Raises CallFailed for what brings no response, and while a reply is read."""

    def __init__(self, spec: ChatModelSpec, slots: Slots, **options: Any) -> None:
        super().__init__(**options)
        self._spec = spec
        self._slots = slots

    def send(self, request: httpx2.Request, *, stream: bool = False, **options: Any) -> httpx2.Response:
        """Send when there is a slot, again if need be; the slot is held until the response is closed."""
        with ExitStack() as stack:
            place = self._slots.ask()
            stack.callback(place.leave)
            try:
                place.wait(patience(self._spec, self._slots))
            except TimeoutError:
                raise busy(self._slots) from None
            call = Call(self._spec, streamed=stream)
            response = self._send(call, request, options)
            if response.is_success:
                response = call.rebuilt(response, stream=_Body(call, response, place))
                stack.callback(response.close)
                if not stream:
                    response.read()
                stack.pop_all()
            return response

    def _send(self, call: "Call", request: httpx2.Request, options: dict[str, Any]) -> httpx2.Response:
        while True:
            call.begin_attempt(request)
            failure: httpx2.Response | httpx2.RequestError
            try:
                response = super().send(request, stream=True, **options)
            except httpx2.RequestError as error:
                failure = error
            else:
                if response.is_success:
                    return response
                failure = call.rebuilt(response, content=_beginning(response))
            pause = call.pause(failure)
            if pause is not None:
                time.sleep(pause)
            elif isinstance(failure, httpx2.Response):
                return failure
            else:
                raise call.failed(failure)


class LimitedAsyncClient(httpx2.AsyncClient):
    """Does the same in an event loop."""

    def __init__(self, spec: ChatModelSpec, slots: Slots, **options: Any) -> None:
        super().__init__(**options)
        self._spec = spec
        self._slots = slots

    async def send(self, request: httpx2.Request, *, stream: bool = False, **options: Any) -> httpx2.Response:
        """Send when there is a slot, again if need be; the slot is held until the response is closed."""
        async with AsyncExitStack() as stack:
            place = self._slots.ask()
            stack.callback(place.leave)
            try:
                await place.wait_async(patience(self._spec, self._slots))
            except TimeoutError:
                raise busy(self._slots) from None
            call = Call(self._spec, streamed=stream)
            response = await self._send(call, request, options)
            if response.is_success:
                response = call.rebuilt(response, stream=_AsyncBody(call, response, place))
                stack.push_async_callback(response.aclose)
                if not stream:
                    await response.aread()
                stack.pop_all()
            return response

    async def _send(self, call: "Call", request: httpx2.Request, options: dict[str, Any]) -> httpx2.Response:
        while True:
            call.begin_attempt(request)
            failure: httpx2.Response | httpx2.RequestError
            try:
                response = await super().send(request, stream=True, **options)
            except httpx2.RequestError as error:
                failure = error
            else:
                if response.is_success:
                    return response
                failure = call.rebuilt(response, content=await _abeginning(response))
            pause = call.pause(failure)
            if pause is not None:
                await asyncio.sleep(pause)
            elif isinstance(failure, httpx2.Response):
                return failure
            else:
                raise call.failed(failure)


class Call:
    """One call, from its first attempt to the end of the reply: what its sync and async form have in common."""

    def __init__(self, spec: ChatModelSpec, *, streamed: bool) -> None:
        self.limits = TimeLimits(spec, streamed=streamed)
        self._attempts = Attempts(spec)
        self._spec = spec
        self._seen = TokensSeen(spec.max_reply_bytes, streamed=False)

    def begin_attempt(self, request: httpx2.Request) -> None:
        """Count the attempt and set the time limits up to the headers."""
        self._attempts.made += 1
        self.limits.restart()
        wait = self.limits.wait()
        connect = min(self._spec.connect_timeout, wait)
        request.extensions["timeout"] = {"connect": connect, "read": wait, "write": wait, "pool": wait}

    def pause(self, failure: httpx2.Response | httpx2.RequestError) -> float | None:
        """Give the seconds until the next attempt, None if there is none."""
        return self._attempts.pause(failure)

    def rebuilt(
        self,
        response: httpx2.Response,
        *,
        content: bytes | None = None,
        stream: httpx2.SyncByteStream | httpx2.AsyncByteStream | None = None,
    ) -> httpx2.Response:
        """Give the response another body, one that is not compressed."""
        of_the_body = {"content-encoding", "content-length", "transfer-encoding"}
        return httpx2.Response(
            response.status_code,
            headers=[(name, value) for name, value in response.headers.multi_items() if name not in of_the_body],
            content=content,
            stream=stream,
            request=response.request,
            extensions={**response.extensions, ATTEMPTS: self._attempts},
        )

    def begin_reply(self, response: httpx2.Response) -> None:
        """Begin to read: from now on a Watch or the event loop keeps the time, the HTTP library no longer does."""
        response.request.extensions["timeout"]["read"] = None
        is_events = response.headers.get("content-type", "").startswith("text/event-stream")
        self._seen = TokensSeen(self._spec.max_reply_bytes, streamed=is_events)

    def check(self, part: bytes) -> None:
        """Hold what arrived against the limits. Raises CallFailed."""
        try:
            self.limits.check(token=self._seen.read(part))
        except CallFailed as failure:
            raise self.failed(failure) from None

    @property
    def is_done(self) -> bool:
        """Whether the reply said that nothing more comes; the body may have an end that was not read."""
        return self._seen.done

    def failed(self, error: Exception) -> CallFailed:
        """Say why the call is given up."""
        failure = error if isinstance(error, CallFailed) else self._explain(error)
        failure.attempts = self._attempts.made
        return failure

    def _explain(self, error: Exception) -> CallFailed:
        if isinstance(error, httpx2.ConnectTimeout):
            what = f"no connection within {self._spec.connect_timeout:g} s"
            return CallFailed("timeout", what, "check the network and the entry's `base_url`")
        if isinstance(error, httpx2.TimeoutException | TimeoutError):
            return self.limits.exceeded()
        return _explain_connection(error)


def _explain_connection(error: Exception) -> CallFailed:
    """Say what is wrong with the connection, in the words of the lowest layer: those above only repeat it."""
    chain = list(causes(error))
    reason = next((str(cause) for cause in reversed(chain) if str(cause)), type(error).__name__)
    if any(isinstance(cause, ssl.SSLError) for cause in chain):
        what, remedy = "no connection that can be trusted", "check the entry's `base_url` and the server's certificate"
    elif any(isinstance(cause, socket.gaierror) for cause in chain):
        what, remedy = "its host was not found", "check the entry's `base_url` and the network"
    else:
        what = "no connection, or it broke off"
        remedy = "check the network, the entry's `base_url` and that the server runs"
    return CallFailed("connection", f"{what} ({reason})", remedy)


class _Body(httpx2.SyncByteStream):
    """The bytes of a reply as they arrive, under the limits of its call."""

    def __init__(self, call: Call, response: httpx2.Response, place: Place) -> None:
        self._call = call
        self._response = response
        self._place = place
        self._parts = response.iter_bytes()
        self._watch = Watch(response.extensions["network_stream"].get_extra_info("socket"))
        call.begin_reply(response)

    def __iter__(self) -> Iterator[bytes]:
        while part := self._next():
            self._call.check(part)
            yield part

    def _next(self) -> bytes | None:
        self._watch.expect(self._call.limits.wait())
        try:
            part = next(self._parts, None)
        except _BROKEN as error:
            raise self._call.failed(self._call.limits.exceeded() if self._watch.late else error) from None
        finally:
            self._watch.relax()
        if self._watch.late:
            raise self._call.failed(self._call.limits.exceeded())
        return part

    def close(self) -> None:
        try:
            if self._call.is_done:
                self._read_to_the_end()
            self._response.close()
        finally:
            self._watch.stop()
            self._place.leave()

    def _read_to_the_end(self) -> None:
        """Only a connection whose reply was read to its end can serve the next call."""
        self._watch.expect(_END_OF_BODY)
        with suppress(*_BROKEN):
            for _ in self._parts:
                pass


class _AsyncBody(httpx2.AsyncByteStream):
    """The same in an event loop; there the client library itself reads to the end."""

    def __init__(self, call: Call, response: httpx2.Response, place: Place) -> None:
        self._call = call
        self._response = response
        self._place = place
        self._parts = response.aiter_bytes()
        call.begin_reply(response)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while part := await self._next():
            self._call.check(part)
            yield part

    async def _next(self) -> bytes | None:
        try:
            async with asyncio.timeout(self._call.limits.wait()):
                return await anext(self._parts, None)
        except TimeoutError:
            raise self._call.failed(self._call.limits.exceeded()) from None
        except _BROKEN as error:
            raise self._call.failed(error) from None

    async def aclose(self) -> None:
        try:
            await self._response.aclose()
        finally:
            self._place.leave()


def patience(spec: ChatModelSpec, slots: Slots) -> float:
    """Give the seconds after which all those before in the line must have ended, each by its own limit."""
    return spec.answer_timeout * (1 + slots.waiting // slots.number)


def busy(slots: Slots) -> CallFailed:
    """Say that no slot became free in time."""
    what = f"as many requests as it may have at once ({slots.number}) are under way, and none ended in time"
    return CallFailed("busy", what, "end one, or raise the entry's `max_concurrency`", attempts=0)


def _beginning(response: httpx2.Response) -> bytes:
    """Read what explains a refusal; what does not arrive is done without, the status says enough."""
    body = b""
    try:
        for part in response.iter_bytes():
            body += part
            if len(body) > _MOST_OF_A_REFUSAL:
                break
    except _BROKEN:
        pass
    finally:
        response.close()
    return body


async def _abeginning(response: httpx2.Response) -> bytes:
    body = b""
    try:
        async for part in response.aiter_bytes():
            body += part
            if len(body) > _MOST_OF_A_REFUSAL:
                break
    except _BROKEN:
        pass
    finally:
        await response.aclose()
    return body

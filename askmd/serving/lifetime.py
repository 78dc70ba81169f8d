"""Ends what is done for a request when its client has left, or when it takes too long."""

import asyncio
import json
from contextlib import suppress

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from askmd.serving.problems import Problem
from askmd.serving.refusing import refuse
from askmd.serving.request import current_request
from config.serving import ServingSettings

_GOODBYE = 5.0
"""Seconds to tell a client that time is over."""

TOO_LONG = Problem(504, "timeout", "the answer took longer than this server allows")


class Lifetime:
    """Cancels the task of a request: the chain then ends its call of the model, whatever route it was called by."""

    def __init__(self, app: ASGIApp, serving: ServingSettings) -> None:
        self._app = app
        self._seconds = serving.request_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request until it is answered, given up or out of time."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = await receive()  # whole, see askmd/serving/bodies.py
        response = _Response(send)
        left = asyncio.Event()
        unread = [body]

        async def receive_body_or_leaving() -> Message:
            if unread:
                return unread.pop()
            await left.wait()
            return {"type": "http.disconnect"}

        async def wait_for_leaving() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass

        async def serve() -> None:
            await self._app(scope, receive_body_or_leaving, response.send)

        serving = asyncio.create_task(serve())
        leaving = asyncio.create_task(wait_for_leaving())
        try:
            await asyncio.wait({serving, leaving}, timeout=self._seconds, return_when=asyncio.FIRST_COMPLETED)
            if serving.done():
                await serving
                return
            in_time = leaving.done()
            left.set()
            serving.cancel()
            with suppress(asyncio.CancelledError):
                await serving
            if not in_time:
                with suppress(TimeoutError):  # of a client that does not read what it is sent
                    await asyncio.wait_for(response.give_up(scope, receive), _GOODBYE)
        finally:
            leaving.cancel()
            serving.cancel()


class _Response:
    """Knows how far a response has come."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._headers: Headers | None = None
        self._ended = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._headers = Headers(raw=message["headers"])
        self._ended = self._ended or (message["type"] == "http.response.body" and not message.get("more_body"))
        await self._send(message)

    async def give_up(self, scope: Scope, receive: Receive) -> None:
        """Say that time is over: by a status, or by the last event of a stream."""
        if self._headers is None:
            await refuse(TOO_LONG, scope, receive, self._send)
        elif not self._ended:
            is_events = self._headers.get("content-type", "").startswith("text/event-stream")
            told = TOO_LONG.to_json(current_request().id) | {
                "status_code": TOO_LONG.status,
                "message": TOO_LONG.message,
            }
            last = f"event: error\ndata: {json.dumps(told)}\n\n".encode() if is_events else b""
            await self._send({"type": "http.response.body", "body": last, "more_body": False})

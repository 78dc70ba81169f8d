"""Reads the body of a request before anything is done for it: not too much, and not for too long."""

import asyncio
from collections.abc import Iterator

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from askmd.serving.problems import Problem
from askmd.serving.refusing import refuse
from config.serving import ServingSettings

TOO_LARGE = Problem(413, "too_large", "the body is larger than this server reads")
TOO_SLOW = Problem(408, "too_slow", "the body did not arrive in time")
_CLOSE = {"Connection": "close"}
"""What else arrives of such a body is not read."""


class Bodies:
    """Passes a whole body on in one piece. A client that leaves before that is not served."""

    def __init__(self, app: ASGIApp, serving: ServingSettings) -> None:
        self._app = app
        self._most = serving.max_body_bytes
        self._seconds = serving.body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        length = Headers(scope=scope).get("content-length", "0")
        if length.isdecimal() and int(length) > self._most:
            await refuse(TOO_LARGE, scope, receive, send, _CLOSE)
            return
        body = bytearray()
        try:
            async with asyncio.timeout(self._seconds):
                while (message := await receive())["type"] == "http.request":
                    body += message.get("body", b"")
                    if len(body) > self._most:
                        await refuse(TOO_LARGE, scope, receive, send, _CLOSE)
                        return
                    if not message.get("more_body"):
                        break
                else:
                    return
        except TimeoutError:
            await refuse(TOO_SLOW, scope, receive, send, _CLOSE)
            return
        whole: Iterator[Message] = iter([{"type": "http.request", "body": bytes(body), "more_body": False}])

        async def receive_whole() -> Message:
            return next(whole, None) or await receive()

        await self._app(scope, receive_whole, send)

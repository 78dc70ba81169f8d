"""Limits how often one client asks, and how many answers are under way."""

import hashlib
import math
import time
from typing import TYPE_CHECKING

from starlette.types import ASGIApp, Receive, Scope, Send

from askmd.serving.keys import is_open, shown_key
from askmd.serving.problems import Problem
from askmd.serving.refusing import refuse
from config.serving import ServingSettings

if TYPE_CHECKING:
    from limits import RateLimitItem

TOO_OFTEN = Problem(429, "rate", "too many requests in this minute")
TOO_MANY = Problem(429, "busy", "as many answers as this server gives at once are under way")

ANSWERING = ("/rag/", "/v1/chat/", "/ask", "/mcp")
_PAUSE = "2"
"""Seconds after which a client may try again where a place is to become free."""


class Rates:
    """Counts the requests of each key, or of each address where there are no keys, in a moving minute."""

    def __init__(self, app: ASGIApp, serving: ServingSettings) -> None:
        from limits import RateLimitItemPerMinute
        from limits.storage import MemoryStorage
        from limits.strategies import MovingWindowRateLimiter

        self._app = app
        self._has_keys = bool(serving.keys)
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._limit: RateLimitItem = RateLimitItemPerMinute(serving.requests_per_minute)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or refuse it."""
        if scope["type"] == "http" and not is_open(scope["path"]):
            client = self._client(scope)
            if not self._limiter.hit(self._limit, client):
                pause = self._limiter.get_window_stats(self._limit, client).reset_time - time.time()
                await refuse(TOO_OFTEN, scope, receive, send, {"Retry-After": str(max(1, math.ceil(pause)))})
                return
        await self._app(scope, receive, send)

    def _client(self, scope: Scope) -> str:
        """Keys are not kept, only what tells one from another."""
        if self._has_keys:
            return hashlib.sha256(shown_key(scope)).hexdigest()
        address, _ = scope.get("client") or ("", 0)
        return str(address)


class Answers:
    """Counts the answers under way; whoever comes when all places are taken is told when to come back."""

    def __init__(self, app: ASGIApp, serving: ServingSettings) -> None:
        self._app = app
        self._free = serving.max_answers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or refuse it."""
        answers = scope["type"] == "http" and scope["method"] == "POST" and scope["path"].startswith(ANSWERING)
        if answers and self._free == 0:
            await refuse(TOO_MANY, scope, receive, send, {"Retry-After": _PAUSE})
            return
        self._free -= answers
        try:
            await self._app(scope, receive, send)
        finally:
            self._free += answers

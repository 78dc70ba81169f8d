"""Outermost: gives each request an id, logs a line about it, and turns what nobody foresaw into a response."""

import json
import re
import time
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from askmd.serving.metrics import Metrics
from askmd.serving.problems import FAILED
from askmd.serving.refusing import refuse
from askmd.serving.request import LOG, begin_request, note_failure

REQUEST_ID = "X-Request-ID"
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""A client may make up any number of others."""


class RequestLog:
    """The id is the client's own where it is a plain word, and stands in the response."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(REQUEST_ID, "")
        request = begin_request(given if _ID.fullmatch(given) else uuid4().hex)
        status = 0
        started = time.perf_counter()

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID] = request.id
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except Exception as error:
            note_failure(error)
            if status:
                raise
            await refuse(FAILED, scope, receive, send_with_id)
        finally:
            seconds = time.perf_counter() - started
            route = getattr(scope.get("route"), "path", None) or "unknown"
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self._metrics.requests.labels(route, method, str(status or "left")).inc()
            shown = {"method": method, "route": route, "status": status or "left", "ms": round(seconds * 1000)}
            LOG.info(
                " ".join(f"{name}={_word(value)}" for name, value in (shown | request.facts).items()),
                extra={"request_id": request.id, **shown, **request.facts},
            )


def _word(value: object) -> object:
    """Keep a text on its line: it may come from a client."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) and not value.isalnum() else value

"""Lets in who shows a key, once keys are set."""

import hmac

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from askmd.serving.problems import Problem
from askmd.serving.refusing import refuse
from config.serving import ServingSettings

OPEN = ("/", "/healthz", "/favicon.ico")
OPEN_BELOW = "/static/"
"""The page itself holds nothing; what it asks for is guarded. One must be able to open it to type a key in."""

NO_KEY = Problem(401, "key", "send a key of this server as Authorization: Bearer KEY")


class Keys:
    """Compares in a time that does not tell how much of a key was right."""

    def __init__(self, app: ASGIApp, serving: ServingSettings) -> None:
        self._app = app
        self._keys = [key.encode() for key in serving.keys]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or refuse it."""
        if scope["type"] == "http" and self._keys and not is_open(scope["path"]):
            shown = shown_key(scope)
            matches = [hmac.compare_digest(shown, key) for key in self._keys]
            if not any(matches):
                await refuse(NO_KEY, scope, receive, send, {"WWW-Authenticate": "Bearer"})
                return
        await self._app(scope, receive, send)


def shown_key(scope: Scope) -> bytes:
    """Give the key that a request shows; empty where it shows none."""
    scheme, _, shown = Headers(scope=scope).get("authorization", "").partition(" ")
    # Starlette reads header bytes as Latin-1: that gives them back as they came
    return shown.strip().encode("latin-1") if scheme.lower() == "bearer" else b""


def is_open(path: str) -> bool:
    """Tell whether a path needs no key."""
    return path in OPEN or path.startswith(OPEN_BELOW)

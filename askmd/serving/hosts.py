"""Refuses requests that a browser was made to send: by a name that is not this server's, or by another's page."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from askmd.serving.problems import Problem
from askmd.serving.refusing import refuse
from config.serving import ServingSettings

WRONG_HOST = Problem(421, "host", "this server is not called so; see ASKMD_ALLOWED_HOSTS")
WRONG_ORIGIN = Problem(403, "origin", "other pages may not call this server; see ASKMD_CORS_ORIGINS")
WRONG_TYPE = Problem(415, "content_type", "send the body as Content-Type: application/json")


class Hosts:
    """A name that leads here by a trick (DNS rebinding) is not among the known ones; numbers cannot be tricked so.

    A form or script of another page cannot send JSON without being asked for its origin first: other bodies are
    refused.
    """

    def __init__(self, app: ASGIApp, serving: ServingSettings) -> None:
        self._app = app
        self._serving = serving

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or refuse it."""
        problem = self._problem(Headers(scope=scope), scope["method"]) if scope["type"] == "http" else None
        if problem:
            await refuse(problem, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _problem(self, headers: Headers, method: str) -> Problem | None:
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not knows_host(hosts[0], self._serving):
            return WRONG_HOST
        origin = headers.get("origin")
        if origin is not None and not (_same(origin, hosts[0]) or origin in self._serving.origins):
            return WRONG_ORIGIN
        media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        return WRONG_TYPE if method == "POST" and media_type != "application/json" else None


def knows_host(header: str, serving: ServingSettings) -> bool:
    """Tell whether a Host header names this server."""
    try:
        name = (urlsplit(f"//{header}").hostname or "").rstrip(".")
        urlsplit(f"//{header}").port  # noqa: B018 - raises for what is no port
    except ValueError:
        return False
    if name in {"localhost", serving.host.lower(), *serving.names}:
        return True
    try:
        address = ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or not is_local(serving.host)


def is_local(host: str) -> bool:
    """Tell whether an address to listen at is reached from this machine alone."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _same(origin: str, host: str) -> bool:
    """A proxy may speak another scheme with the browser: only the rest is compared."""
    return origin.partition("://")[2] == host

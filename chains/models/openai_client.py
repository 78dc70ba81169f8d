"""HTTP clients of one entry: they take nothing from OPENAI_* variables and leave no connection open.

The client library reads OPENAI_ORG_ID, OPENAI_PROJECT_ID and OPENAI_CUSTOM_HEADERS even when all is said explicitly.
Set for OpenAI, they would go to whatever server an entry names, so they are taken out again. Redirects are not
followed: a prompt goes to the entry's host or nowhere.
"""

import asyncio
import ssl
import weakref
from collections.abc import AsyncGenerator
from functools import cache
from typing import Any

import httpx2
import openai

from chains.models.limited_calls import LimitedAsyncClient, LimitedClient
from chains.models.slots import Slots
from config.models import ChatModelSpec

_LIMITS = httpx2.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=30.0)


def open_client(spec: ChatModelSpec, key: str, slots: Slots) -> openai.OpenAI:
    """Open the client for sync calls; its connections are closed when it is no longer used, at exit at the latest."""
    http = LimitedClient(spec, slots, limits=_LIMITS, verify=_tls())
    client = openai.OpenAI(http_client=http, **_options(spec, key))
    _forget_environment(client, spec)
    weakref.finalize(client, http.close)
    return client


def open_async_client(spec: ChatModelSpec, key: str, slots: Slots) -> openai.AsyncOpenAI:
    """Open the client for async calls; it serves any number of event loops, one after another or at once."""
    client = openai.AsyncOpenAI(http_client=_ClientPerLoop(spec, slots), **_options(spec, key))
    _forget_environment(client, spec)
    return client


@cache
def _tls() -> ssl.SSLContext:
    """Read the certificates of the authorities once: that takes longer than all else here."""
    return httpx2.create_ssl_context()


def _options(spec: ChatModelSpec, key: str) -> dict[str, Any]:
    return {"base_url": spec.base_url, "api_key": key, "max_retries": 0}  # chains/models/limited_calls.py tries again


def _forget_environment(client: openai.OpenAI | openai.AsyncOpenAI, spec: ChatModelSpec) -> None:
    client.organization = None
    client.project = None
    client.admin_api_key = None
    client._custom_headers = dict(spec.extra_headers)  # the only place where OPENAI_CUSTOM_HEADERS can be undone


class _ClientPerLoop(httpx2.AsyncClient):
    """Sends through a client of the running event loop: a pooled connection dies with the loop that opened it."""

    def __init__(self, spec: ChatModelSpec, slots: Slots) -> None:
        super().__init__(transport=httpx2.AsyncBaseTransport())  # it sends nothing itself
        self._spec = spec
        self._slots = slots
        self._clients: dict[asyncio.AbstractEventLoop, tuple[httpx2.AsyncClient, AsyncGenerator[None]]] = {}

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        """Send as httpx2.AsyncClient.send does."""
        return await (await self._client()).send(request, **options)

    async def aclose(self) -> None:
        """Close what the running loop has opened; other loops close theirs when they end."""
        if opened := self._clients.get(asyncio.get_running_loop()):
            await opened[1].aclose()
        await super().aclose()

    async def _client(self) -> httpx2.AsyncClient:
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            client = LimitedAsyncClient(self._spec, self._slots, limits=_LIMITS, verify=_tls())
            keeper = self._close_with_loop(loop, client)
            self._clients[loop] = client, keeper
            await anext(keeper)
        return self._clients[loop][0]

    async def _close_with_loop(
        self, loop: asyncio.AbstractEventLoop, client: httpx2.AsyncClient
    ) -> AsyncGenerator[None]:
        """Wait for the end of the loop: asyncio closes every async generator then, before the loop itself."""
        try:
            yield
        finally:
            self._clients.pop(loop, None)
            await client.aclose()

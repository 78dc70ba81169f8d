"""MCP at /mcp (streamable HTTP, without sessions), and over standard input and output."""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TextIO

import anyio
from fastapi import FastAPI
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from askmd.serving.engine import Engine, open_engine
from askmd.serving.problems import problem_of
from askmd.serving.request import note_failure
from config.serving import ServingSettings
from config.settings import Settings

PATH = "/mcp"


def add_mcp(app: FastAPI, engine: Engine) -> None:
    """Add the route, and let what serves it live as long as the app."""
    endpoint = _Endpoint()
    outer = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(running: Any) -> AsyncIterator[Any]:
        from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

        from askmd.serving.mcp_tools import mcp_server

        # no `security_settings`: Host and Origin are looked at for all routes alike
        server = mcp_server(engine, _public_words)
        manager = StreamableHTTPSessionManager(server, json_response=True, stateless=True)
        async with outer(running) as state, manager.run():
            endpoint.manager = manager
            yield state

    app.router.lifespan_context = lifespan
    app.router.routes.append(Route(PATH, endpoint, methods=["POST"]))  # without sessions there is nothing to GET


def _public_words(error: Exception) -> str:
    note_failure(error)
    return problem_of(error).message


class _Endpoint:
    """Passes requests on to the manager, which there is while the app runs."""

    path = PATH
    manager: Any = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["route"] = self  # Starlette's own routes do not tell whoever logs and counts
        await self.manager.handle_request(scope, receive, send)


def serve_stdio(settings: Settings) -> None:
    """Serve one client over standard input and output, until it closes the input. Raises as `open_engine` does."""
    engine = open_engine(settings, ServingSettings())
    try:
        with _own_standard_output() as output:
            anyio.run(_talk, engine, output)
    finally:
        engine.close()


async def _talk(engine: Engine, output: TextIO) -> None:
    from mcp.server.stdio import stdio_server

    from askmd.serving.mcp_tools import mcp_server

    server = mcp_server(engine, str)
    async with stdio_server(stdout=anyio.wrap_file(output)) as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())


def _own_standard_output() -> TextIO:
    """Take standard output for the protocol; whatever libraries print there goes to standard error."""
    sys.stdout.flush()
    output = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8", newline="\n")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return output

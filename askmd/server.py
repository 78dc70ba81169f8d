"""The HTTP application: what guards it, and the protocols, each a module of askmd/serving, added here."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from starlette.middleware import Middleware

from askmd.serving.bodies import Bodies
from askmd.serving.engine import Engine, open_engine
from askmd.serving.failures import add_failures
from askmd.serving.headers import SecurityHeaders
from askmd.serving.hosts import Hosts
from askmd.serving.keys import Keys
from askmd.serving.langserve_routes import add_langserve
from askmd.serving.lifetime import Lifetime
from askmd.serving.mcp_routes import add_mcp
from askmd.serving.openai_routes import add_openai
from askmd.serving.page_routes import add_page
from askmd.serving.plain_routes import add_plain
from askmd.serving.rates import Answers, Rates
from askmd.serving.request_log import REQUEST_ID, RequestLog
from config.serving import ServingSettings
from config.settings import Settings


def create_app(settings: Settings, serving: ServingSettings | None = None) -> FastAPI:
    """Make the application; nothing is opened yet. Raises ConfigError for settings that name nothing."""
    engine = open_engine(settings, serving or ServingSettings())

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        engine.close()

    # /docs would load its scripts from elsewhere
    app = FastAPI(
        title="askmd",
        summary="Answers questions about a folder of Markdown, and says where each statement comes from.",
        lifespan=lifespan,
        middleware=_guard(engine),
        docs_url=None,
        redoc_url=None,
    )
    add_failures(app)
    add_protocols(app, engine)
    return app


def _guard(engine: Engine) -> list[Middleware]:
    """What a request passes, in this order, before it comes to its route."""
    serving = engine.serving
    cors = Middleware(
        CORSMiddleware,
        allow_origins=serving.origins,
        allow_methods=["GET", "POST"],
        allow_headers=["*"],  # SDKs send headers of their own; a key is never sent by itself, as a cookie would be
        expose_headers=[REQUEST_ID, "Retry-After"],
    )
    return [
        Middleware(RequestLog, engine.metrics),
        Middleware(SecurityHeaders, "/rag/playground"),
        Middleware(Hosts, serving),
        *([cors] if serving.origins else []),
        Middleware(Keys, serving),
        Middleware(Rates, serving),
        Middleware(Bodies, serving),
        Middleware(Lifetime, serving),
        Middleware(Answers, serving),
    ]


def add_protocols(app: FastAPI, engine: Engine) -> None:
    """Add the routes of every protocol."""
    add_plain(app, engine)
    add_langserve(app, engine)
    add_openai(app, engine)
    add_mcp(app, engine)
    add_page(app, engine)

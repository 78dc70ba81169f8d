"""The HTTP application: each protocol is one module of askmd/serving, added here."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from askmd.serving.engine import Engine, open_engine
from askmd.serving.langserve_routes import add_langserve
from askmd.serving.mcp_routes import add_mcp
from askmd.serving.openai_routes import add_openai
from config.settings import Settings


def create_app(settings: Settings) -> FastAPI:
    """Make the application; nothing is opened yet. Raises ConfigError for settings that name nothing."""
    engine = open_engine(settings)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        engine.close()

    app = FastAPI(title="askmd", lifespan=lifespan)
    add_protocols(app, engine)
    return app


def add_protocols(app: FastAPI, engine: Engine) -> None:
    """Add the routes of every protocol."""
    add_langserve(app, engine)
    add_openai(app, engine)
    add_mcp(app, engine)

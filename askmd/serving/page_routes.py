"""The page at / and what it asks for: the choices that it offers, and answers as a stream of events."""

import json
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.responses import FileResponse, Response
from fastapi.sse import format_sse_event
from pydantic import BaseModel, ConfigDict, Field
from starlette.staticfiles import StaticFiles

from askmd.serving.asking import ask
from askmd.serving.engine import Engine
from askmd.serving.event_stream import begin_stream
from askmd.serving.plain_routes import FAILURES
from askmd.serving.problems import problem_of
from askmd.serving.rendering import AnswerRenderer, plain_sources
from chains.prompting.prompts import MODES
from chains.schema import Question
from config.errors import AskmdError, ConfigError, QuestionError
from config.settings import MAX_K, Mode

STATIC = Path(__file__).parent / "static"
RENDERED_EVERY = 0.08
"""Seconds between two renderings of the block that is being written: eyes see no more."""
_LAST = ("answer", "cited", "citations", "unknown_citations", "uncited", "unsupported_quotes", "incomplete", "refused")
_ABOUT = ("own_knowledge", "confidence", "notices", "llm", "model", "prompt", "mode", "usage", "search")


class Said(BaseModel):
    """What was said before, by whom."""

    model_config = ConfigDict(extra="forbid")

    role: str = Field(pattern="^(user|assistant)$")
    content: str


class Asked(BaseModel):
    """A question, and how it is answered; what is missing is as the server has it."""

    model_config = ConfigDict(extra="forbid")

    question: str
    history: list[Said] = Field(default_factory=list)
    llm: str | None = None
    prompt: str | None = None
    mode: Mode | None = None
    k: int | None = Field(default=None, ge=1, le=MAX_K)
    filter: dict[str, str | list[str]] = Field(default_factory=dict)


def add_page(app: FastAPI, engine: Engine) -> None:
    """Add /, /static, /choices and /ask."""

    @app.get("/", include_in_schema=False)
    async def page() -> Response:
        return FileResponse(STATIC / "index.html", headers={"Cache-Control": "no-cache"})

    app.mount("/static", StaticFiles(directory=STATIC), name="static")

    @app.get("/choices", responses=FAILURES)
    async def choices() -> dict[str, Any]:
        """Give what can be chosen for a question, and what is chosen where nothing is said."""
        settings = engine.settings
        return {
            "models": [_model(engine, name) for name in engine.models],
            "prompts": [{"name": name, "description": each.description} for name, each in engine.prompts.items()],
            "modes": list(MODES),
            "chosen": {"llm": settings.llm, "prompt": settings.prompt, "mode": settings.mode, "k": settings.k},
        }

    @app.post("/ask", responses=FAILURES | {200: {"content": {"text/event-stream": {}}}}, response_class=Response)
    async def answer(asked: Asked) -> Response:
        """Answer a question as a stream of events: sources, thinking, answer, end or error."""
        given = {"llm": asked.llm, "prompt": asked.prompt, "mode": asked.mode, "k": asked.k}
        _check_names(engine, asked)
        question = Question(
            question=asked.question,
            chat_history=[(said.role, said.content) for said in asked.history],
            filter=asked.filter,
        )
        chosen = {name: value for name, value in given.items() if value is not None}
        return await begin_stream(_events(ask(engine, question, chosen)))


def _model(engine: Engine, name: str) -> dict[str, Any]:
    try:
        engine.resources.chat_model(name)
        usable = True
    except ConfigError:
        usable = False
    return {"name": name, "description": engine.models[name].description, "usable": usable}


def _check_names(engine: Engine, asked: Asked) -> None:
    for what, name, known in (("model", asked.llm, engine.models), ("prompt", asked.prompt, engine.prompts)):
        if name is not None and name not in known:
            raise QuestionError(f"no {what} is called {name[:80]!r}; known: {', '.join(known)}")


async def _events(pieces: AsyncGenerator[Any]) -> AsyncGenerator[bytes]:
    """Write the events. What fails before the first one is raised, and told by a status."""
    answer: Any = {}
    renderer = AnswerRenderer()
    pending, rendered_at, begun = "", 0.0, False
    try:
        async with aclosing(pieces):
            async for piece in pieces:
                answer = piece if not answer else answer + piece
                if "sources" in piece:
                    yield _event("sources", {"sources": plain_sources(piece["sources"])})
                    begun = True
                if piece.get("thinking"):
                    yield _event("thinking", {"text": piece["thinking"]})
                pending += piece.get("answer") or ""
                if pending and time.monotonic() - rendered_at >= RENDERED_EVERY:
                    yield _rendered(renderer, pending)
                    pending, rendered_at = "", time.monotonic()
        yield _rendered(renderer, pending)
        yield _event("end", {key: answer[key] for key in (*_LAST, *_ABOUT)})
    except AskmdError as error:
        if not begun:
            raise
        problem = problem_of(error)
        yield _event("error", {"kind": problem.kind, "message": problem.message})


def _rendered(renderer: AnswerRenderer, text: str) -> bytes:
    finished, growing = renderer.feed(text)
    return _event("answer", {"finished": finished, "growing": growing})


def _event(name: str, data: Any) -> bytes:
    return format_sse_event(event=name, data_str=json.dumps(data, ensure_ascii=False))

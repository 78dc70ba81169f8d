"""The OpenAI-compatible endpoint at /v1: any chat program or SDK is a client."""

import json
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from fastapi.sse import format_sse_event

from askmd.serving.asking import ask
from askmd.serving.engine import Engine
from askmd.serving.event_stream import begin_stream
from askmd.serving.openai_reply import Failure, Link, Reply, error_body
from askmd.serving.openai_request import WITH_SOURCES, ChatRequest, Refused
from askmd.serving.plain_routes import FAILURES
from askmd.serving.problems import problem_of
from askmd.serving.request import note_failure
from chains.schema import Evidence
from config.errors import AskmdError

SOURCES_HEADER = "x-askmd-sources"


def add_openai(app: FastAPI, engine: Engine) -> None:
    """Add /v1/chat/completions and /v1/models."""
    failures: Any = {status: {"model": Failure} for status in FAILURES}
    router = APIRouter(prefix="/v1", tags=["openai"], route_class=_Route, responses=failures)

    @router.get("/models")
    async def list_models() -> dict[str, Any]:
        """List the chat models, the server's own choice first."""
        names = dict.fromkeys([engine.settings.llm, *engine.models])
        return {"object": "list", "data": [_model(name + suffix) for name in names for suffix in ("", WITH_SOURCES)]}

    @router.get("/models/{model:path}")
    async def get_model(model: str) -> dict[str, Any]:
        """Give one of them."""
        _entry(engine, model)
        return _model(model)

    @router.post("/chat/completions", responses={200: {"content": {"text/event-stream": {}, "application/json": {}}}})
    async def complete(request: Request, body: ChatRequest) -> Response:
        """Answer the last message, in one piece or streamed."""
        body.refuse_what_is_missing()
        if body.askmd.prompt not in {None, *engine.prompts}:
            known = ", ".join(engine.prompts)
            raise Refused(f"no prompt is called {str(body.askmd.prompt)[:80]!r}; known: {known}", "askmd.prompt")
        llm = _entry(engine, body.model)
        question, notices = body.question()
        wants_sources = body.model != llm or request.headers.get(SOURCES_HEADER) == "links"
        reply = Reply(body.model, notices, _links(request) if wants_sources else None)
        pieces = ask(engine, question, body.choices(llm))
        if body.stream:
            include_usage = body.stream_options is not None and body.stream_options.include_usage
            return await begin_stream(_chunks(pieces, reply, include_usage=include_usage))
        async with aclosing(pieces):
            async for piece in pieces:
                for _ in reply.take(piece):
                    """Only the whole is wanted."""
        if reply.broke_off:
            return _error(reply.broke_off, 502, askmd=reply.extension() | {"answer": reply.answer["answer"]})
        return JSONResponse(reply.whole())

    app.include_router(router)


async def _chunks(pieces: AsyncGenerator[Any], reply: Reply, *, include_usage: bool) -> AsyncGenerator[bytes]:
    """Write the chunks. A failure before the first text is raised; after it, an error takes the place of the rest."""
    try:
        async with aclosing(pieces):
            async for piece in pieces:
                for chunk in reply.take(piece):
                    yield _event(chunk)
        if reply.broke_off:
            yield _event(error_body(reply.broke_off, 502) | {"askmd": reply.extension()})
            return
        for chunk in reply.end():
            yield _event(chunk)
        if include_usage:
            yield _event(reply.usage_chunk())
        yield format_sse_event(data_str="[DONE]")
    except Exception as error:
        if not reply.begun:
            raise
        note_failure(error)
        problem = problem_of(error)
        yield _event(error_body(problem.message, problem.status))


def _event(chunk: Any) -> bytes:
    return format_sse_event(data_str=json.dumps(chunk, ensure_ascii=False))


class _Route(APIRoute):
    """Says errors in OpenAI's form."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the handler."""
        handle = super().get_route_handler()

        async def handle_or_refuse(request: Request) -> Response:
            try:
                return await handle(request)
            except Refused as refused:
                return _error(refused.message, refused.status, refused.param, refused.code)
            except RequestValidationError as error:
                first = error.errors()[0]
                param = ".".join(str(part) for part in first["loc"][1:])
                return _error(f"{param or 'body'}: {first['msg']}", 400, param or None)
            except AskmdError as error:
                note_failure(error)
                problem = problem_of(error)
                return _error(problem.message, problem.status)

        return handle_or_refuse


def _error(message: str, status: int, param: str | None = None, code: str | None = None, **others: Any) -> Response:
    """The client is told not to try again: the chain has done that, and a request that is wrong stays so."""
    return JSONResponse(error_body(message, status, param, code) | others, status, {"x-should-retry": "false"})


def _model(model: str) -> dict[str, Any]:
    return {"id": model, "object": "model", "created": 0, "owned_by": "askmd"}


def _entry(engine: Engine, model: str) -> str:
    """Give the entry of the registry that a model id names. Raises Refused."""
    name = model if model in engine.models else model.removesuffix(WITH_SOURCES)
    if name not in engine.models:
        known = ", ".join(engine.models)
        raise Refused(f"no model is called {model[:80]!r}; known: {known}", "model", "model_not_found", 404)
    return name


def _links(request: Request) -> Link:
    """Lead to the lines of a passage, as this server shows them."""

    def link(passage: Evidence) -> str:
        place = {"root": passage["root"], "start_line": passage["start_line"], "end_line": passage["end_line"]}
        url = str(request.url_for("source", doc=passage["doc"]).include_query_params(**place))
        return url.replace("(", "%28").replace(")", "%29")  # or they would end a link of Markdown

    return link

"""LangServe at /rag. It is archived: all that knows it is in this file, and what it lacks is added around it."""

import asyncio
import json
import warnings
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any, cast

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request, Response
from fastapi.routing import APIRoute
from fastapi.sse import format_sse_event
from langchain_core.runnables import RunnableBinding
from pydantic import BaseModel, TypeAdapter, ValidationError

from askmd.serving.engine import Engine
from askmd.serving.event_stream import begin_stream
from askmd.serving.plain_routes import FAILURES
from askmd.serving.problems import problem_of
from askmd.serving.request import note_failure
from chains.schema import Answer, Question

PATH = "/rag"

SHOWN = frozenset({PATH, "retriever"})
"""The steps of which stream_events and stream_log tell. The others hold prompts, and what the registry says."""

CLIENTS_OWN = frozenset({"session_id", "thread_id", "user_id", "checkpoint_id", "checkpoint_ns", "checkpoint_map"})
"""What RunnableWithMessageHistory and LangGraph put into `configurable` for themselves; never looked at here."""

ENDPOINTS: Any = (
    *("invoke", "batch", "stream", "stream_log", "stream_events"),
    *("input_schema", "output_schema", "config_schema", "playground"),
)
"""Not `config_hashes`, where a short path unpacks to any amount of text, and no feedback."""


def add_langserve(app: FastAPI, engine: Engine) -> None:
    """Add invoke, batch, stream, stream_log, stream_events, the schemas and the playground."""
    from langserve import add_routes

    warnings.filterwarnings("ignore", "astream_log is deprecated")  # what LangServe calls is not for users to mend
    chain = Shown(bound=engine.chain, custom_input_type=str | Question, custom_output_type=Answer)
    config = chain.config_schema(include=["configurable"])
    known = frozenset(config.model_json_schema()["$defs"]["Configurable"]["properties"])
    checks = Checks(TypeAdapter(str | Question), config, known, engine.serving.max_batch)

    async def check(request: Request) -> None:
        if request.method == "POST":
            checks.check(await _json(request), batch=request.url.path.endswith("/batch"))

    router = APIRouter(route_class=_Route, responses=FAILURES)
    add_routes(
        router,
        chain,
        path=PATH,
        config_keys=["configurable"],
        enable_feedback_endpoint=False,
        enable_public_trace_link_endpoint=False,
        enabled_endpoints=ENDPOINTS,
        dependencies=[Depends(check)],
    )
    app.include_router(router)


class Shown(RunnableBinding[Any, Any]):
    """The chain, telling of the steps in SHOWN alone; LangServe's own list of names does not look at single steps."""

    async def astream_events(self, *given: Any, **options: Any) -> AsyncGenerator[Any]:  # type: ignore[override]  # v2
        """Give the events of these steps."""
        async with aclosing(cast("Any", super().astream_events(*given, **options))) as events:
            async for event in events:
                if event["name"] in SHOWN:
                    yield event

    async def astream_log(
        self, *given: Any, include_names: Sequence[str] | None = None, **options: Any
    ) -> AsyncGenerator[Any]:
        """Give the log of these steps. What would add others to those names (types, tags) is not obeyed."""
        names = SHOWN if include_names is None else SHOWN.intersection(include_names)
        options |= {"include_names": [*names], "include_types": None, "include_tags": None}
        async with aclosing(cast("Any", super().astream_log(*given, **options))) as patches:
            async for patch in patches:
                yield patch


async def _json(request: Request) -> Any:
    try:
        return await request.json()
    except (ValueError, RecursionError):
        raise HTTPException(422, "the body is not JSON") from None


@dataclass(frozen=True)
class Checks:
    """Looks at a body for what LangServe takes without a word, or fails at. All raise HTTPException with status 422."""

    question: TypeAdapter[Any]
    config: type[BaseModel]
    known: frozenset[str]
    """What `configurable` may hold."""
    max_batch: int

    def check(self, body: Any, *, batch: bool) -> None:
        """Look at the body of a request; of a batch, several questions may come with several configurations."""
        if not isinstance(body, dict):
            raise HTTPException(422, "the body is not a JSON object")
        if not isinstance(body.get("kwargs", {}), dict):
            raise HTTPException(422, "kwargs: not an object")
        config = body.get("config", {})
        for each in config if batch and isinstance(config, list) else [config]:
            self._check_config(each)
        if not batch:
            self._check_question(body.get("input"), "input")
            return
        if not isinstance(body.get("inputs"), list):
            raise HTTPException(422, "inputs: not a list of questions")
        if len(body["inputs"]) > self.max_batch:
            raise HTTPException(422, f"inputs: {len(body['inputs'])} questions; at most {self.max_batch} are taken")
        for n, each in enumerate(body["inputs"]):
            self._check_question(each, f"inputs.{n}")

    def _check_config(self, config: Any) -> None:
        chosen = config.get("configurable", {}) if isinstance(config, dict) else None
        if not isinstance(chosen, dict):
            raise HTTPException(422, "config: not an object whose `configurable` is an object")
        for name in chosen.keys() - self.known - CLIENTS_OWN:
            if not name.startswith("__"):
                known = ", ".join(sorted(self.known))
                raise HTTPException(422, f"config.configurable: no {name[:80]!r}; known: {known}")
        try:
            self.config.model_validate({"configurable": chosen})
        except ValidationError as error:
            raise HTTPException(422, f"config.{_first(error)}") from None

    def _check_question(self, given: Any, where: str) -> None:
        try:
            self.question.validate_python(given, strict=True)
        except ValidationError as error:
            raise HTTPException(422, f"{where}: neither a text nor a question; {_first(error)}") from None


def _first(error: ValidationError) -> str:
    """Say what is wrong, without what was given: it may be long, and is known to who gave it."""
    last = error.errors(include_url=False, include_input=False)[-1]
    return f"{'.'.join(str(part) for part in last['loc'])}: {last['msg']}"


class _Route(APIRoute):
    """Streams without LangServe's own response: that one ends all streams at SIGTERM, and says nothing of errors."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        if "/stream" in path:
            options["responses"] = {**options["responses"], 200: {"content": {"text/event-stream": {}}}}
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the handler."""
        from sse_starlette import EventSourceResponse

        handle = super().get_route_handler()

        async def handle_and_stream(request: Request) -> Response:
            response = await handle(request)
            if isinstance(response, EventSourceResponse):
                events: Any = response.body_iterator
                return await begin_stream(_encoded(events))
            return response

        return handle_and_stream


async def _encoded(events: AsyncGenerator[dict[str, str]]) -> AsyncGenerator[bytes]:
    """Write the events. LangServe's event of an error says nothing: give one that does, but raise the first of all."""
    begun = False
    try:
        async for event in events:
            if event["event"] != "error":
                yield format_sse_event(event=event["event"], data_str=event.get("data"))
                begun = True
    except Exception as error:
        if not begun:
            raise
        note_failure(error)
        problem = problem_of(error)
        told = {"status_code": problem.status, "message": problem.message}
        yield format_sse_event(event="error", data_str=json.dumps(told))
    finally:
        await _close(events)


async def _close(events: AsyncGenerator[Any]) -> None:
    """Close LangServe's generator, which gives an event of its own before it ends: Python takes that for a fault."""
    with suppress(asyncio.CancelledError, StopAsyncIteration):
        await events.athrow(asyncio.CancelledError())
        await anext(events)

"""Plain JSON: search, the text of sources, and what operators ask."""

from typing import Annotated, Any, Literal

from anyio import to_thread
from fastapi import FastAPI, Query, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from askmd.serving.engine import Engine
from askmd.serving.finding import find
from askmd.serving.metrics import CONTENT_TYPE
from askmd.serving.ready import what_is_missing
from askmd.serving.sources import SourceText, read_source
from config.settings import MAX_K
from store.collection import Store


class ErrorBody(BaseModel):
    """What went wrong, as a word for programs and a line for people; the log tells more under the id."""

    kind: str
    message: str
    request_id: str


class Failure(BaseModel):
    """The body of every response that is not what was asked for."""

    error: ErrorBody


class SearchRequest(BaseModel):
    """A question, and how it is searched; what is missing is as the server has it."""

    model_config = ConfigDict(extra="forbid")

    question: str
    k: int | None = Field(default=None, ge=1, le=MAX_K)
    filter: dict[str, str | list[str]] = Field(default_factory=dict)
    budget: int | None = Field(default=None, ge=100, description="tokens of passages, at most")


class Found(BaseModel):
    """Passages, the best first, and what is to be said about them."""

    hits: list[dict[str, Any]]
    notices: list[str]


class Readiness(BaseModel):
    """Whether questions can be answered now; `problems` by the part that they are of."""

    ready: bool
    problems: dict[str, str]


FAILURES: dict[int | str, dict[str, Any]] = {
    status: {"model": Failure}
    for status in (400, 401, 403, 404, 405, 408, 410, 413, 415, 421, 422, 429, 500, 502, 503, 504)
}


def add_plain(app: FastAPI, engine: Engine) -> None:
    """Add /search, /sources, /healthz, /readyz and /metrics."""

    def open_store() -> Store:
        engine.resources.open()
        assert engine.resources.store is not None  # noqa: S101 - that is what opening does
        return engine.resources.store

    @app.post("/search", responses=FAILURES)
    async def search(asked: SearchRequest) -> Found:
        """Find the passages for a question, without a chat model."""
        hits, notices = await to_thread.run_sync(
            find, engine, asked.question, asked.k, asked.filter, asked.budget, abandon_on_cancel=True
        )
        return Found(hits=[dict(hit) for hit in hits], notices=notices)

    @app.get("/sources/{doc:path}", responses=FAILURES)
    async def source(
        doc: str,
        root: Annotated[
            str | None, Query(description="the root of the document, where several have one so called")
        ] = None,
        start_line: Annotated[int, Query(ge=1)] = 1,
        end_line: Annotated[int | None, Query(ge=1)] = None,
    ) -> SourceText:
        """Give the text of a file that was ingested, or some lines of it."""
        return await to_thread.run_sync(lambda: read_source(open_store(), doc, root, (start_line, end_line)))

    @app.get("/healthz")
    async def healthz() -> dict[Literal["status"], Literal["ok"]]:
        """Say that the process is alive."""
        return {"status": "ok"}

    @app.get("/readyz", response_model=Readiness, responses=FAILURES | {503: {"model": Readiness}})
    async def readyz() -> JSONResponse:
        """Say whether the store and a chat model can be used."""
        missing = await to_thread.run_sync(what_is_missing, engine)
        return JSONResponse({"ready": not missing, "problems": missing}, 503 if missing else 200)

    @app.get("/metrics", responses=FAILURES | {200: {"content": {"text/plain": {}}}}, response_class=Response)
    async def metrics() -> Response:
        """Give figures for Prometheus."""
        if engine.resources.store is not None:
            engine.metrics.chunks.set(await to_thread.run_sync(engine.resources.store.count))
        return Response(engine.metrics.text(), media_type=CONTENT_TYPE)

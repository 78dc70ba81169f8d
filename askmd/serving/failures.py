"""How the routes' exceptions become responses: all of one form."""

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from askmd.serving.problems import Problem, problem_of
from askmd.serving.refusing import problem_response
from askmd.serving.request import note_failure
from askmd.serving.sources import NoSourceError
from config.errors import AskmdError

_KINDS = {404: "not_found", 405: "method", 422: "question"}


def add_failures(app: FastAPI) -> None:
    """Add the handlers. What nobody foresaw is left to askmd/serving/request_log.py."""

    @app.exception_handler(AskmdError)
    async def foreseen(_request: Request, error: AskmdError) -> Response:
        if isinstance(error, NoSourceError):
            return problem_response(Problem(error.status, "source", error.told))
        note_failure(error)
        return problem_response(problem_of(error))

    @app.exception_handler(RequestValidationError)
    async def malformed(_request: Request, error: RequestValidationError) -> Response:
        """Say what is wrong without what was given, which may be long and is known to who gave it."""
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"][1:])
        return problem_response(Problem(422, "question", f"{place or 'body'}: {first['msg']}"))

    @app.exception_handler(HTTPException)
    async def refused(_request: Request, error: HTTPException) -> Response:
        problem = Problem(error.status_code, _KINDS.get(error.status_code, "request"), str(error.detail))
        return problem_response(problem, error.headers)

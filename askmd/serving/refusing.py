"""Responses that do not come from a route."""

from collections.abc import Mapping

from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from askmd.serving.problems import Problem
from askmd.serving.request import current_request


def problem_response(problem: Problem, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Give a problem as a response."""
    return JSONResponse(problem.to_json(current_request().id), problem.status, headers)


async def refuse(
    problem: Problem, scope: Scope, receive: Receive, send: Send, headers: Mapping[str, str] | None = None
) -> None:
    """Send it in the place of what was asked for."""
    await problem_response(problem, headers)(scope, receive, send)

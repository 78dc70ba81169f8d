"""A question on its way through the chain, for protocols that speak of it in their own terms."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any, cast

from askmd.serving.engine import Engine
from chains.schema import Question


async def ask(engine: Engine, question: Question, choices: Mapping[str, Any]) -> AsyncGenerator[dict[str, Any]]:
    """Give the pieces of the answer; closing it early ends the call of the model. Raises as the chain does.

    `choices` may be `llm`, `prompt`, `k` and `mode`.
    """
    config: Any = {"configurable": dict(choices)}
    async with aclosing(cast("Any", engine.chain.astream(question, config))) as pieces:
        async for piece in pieces:
            yield piece

"""Four ways to call a chat model that talks to the scripted server; all give one message."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, SystemMessage
from pydantic import SecretStr

from chains.models.llm import chat_model
from config.models import ChatModelSpec, load_models
from tests.support.chat_server import ChatServer

KEY = "sk-0123456789abcdef"
PROMPT: list[BaseMessage] = [SystemMessage("Answer from the evidence."), HumanMessage("Where is the data?")]


def entry(server: ChatServer, name: str = "deepseek", **changes: Any) -> ChatModelSpec:
    return load_models({})[name].model_copy(update={"base_url": server.root_url, "max_retries": 0} | changes)


def open_model(server: ChatServer, name: str = "deepseek", **changes: Any) -> BaseChatModel:
    return chat_model(entry(server, name, **changes), SecretStr(KEY))


def invoke(model: BaseChatModel) -> AIMessage:
    return model.invoke(PROMPT)


def ainvoke(model: BaseChatModel) -> AIMessage:
    return asyncio.run(model.ainvoke(PROMPT))


def stream(model: BaseChatModel) -> AIMessage:
    return total(list(model.stream(PROMPT)))


def astream(model: BaseChatModel) -> AIMessage:
    async def collect() -> list[AIMessageChunk]:
        return [chunk async for chunk in model.astream(PROMPT)]

    return total(asyncio.run(collect()))


def total(chunks: list[AIMessageChunk]) -> AIMessage:
    return chunks[0] + chunks[1:]


Call = Callable[[BaseChatModel], AIMessage]
plain = pytest.mark.parametrize("call", [invoke, ainvoke])
streamed = pytest.mark.parametrize("call", [stream, astream])
every_way = pytest.mark.parametrize("call", [invoke, ainvoke, stream, astream])

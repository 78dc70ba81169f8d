"""MCP by the SDK's own client: over real HTTP, and over the standard input and output of a process."""

import asyncio
import os
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult

from tests.askmd.serving.conftest import KEY, NO_TLS, QUESTION, assert_nothing_private, leave_during_answer
from tests.support.chat_replies import Broken, Drop, Failure, Hang, Reply, Script
from tests.support.chat_server import ChatServer
from tests.support.command import ASKMD
from tests.support.corpus import FILES
from tests.support.waiting import wait_until


def over_http(url: str, talk: Callable[[ClientSession], Awaitable[Any]]) -> Any:
    async def connect() -> Any:
        async with (
            httpx.AsyncClient(verify=NO_TLS, timeout=60) as http,
            streamable_http_client(f"{url}/mcp", http_client=http) as (incoming, outgoing, _),
            ClientSession(incoming, outgoing) as session,
        ):
            await session.initialize()
            return await talk(session)

    return asyncio.run(connect())


def call(url: str, tool: str, **arguments: Any) -> CallToolResult:
    result: CallToolResult = over_http(url, lambda session: session.call_tool(tool, arguments))
    return result


def text(result: CallToolResult) -> str:
    return "".join(getattr(content, "text", "") for content in result.content)


def test_the_tools_say_what_they_take_and_give(url: str, chat: ChatServer) -> None:
    tools = {tool.name: tool for tool in over_http(url, lambda session: session.list_tools()).tools}
    assert {name: set(tool.inputSchema["properties"]) for name, tool in tools.items()} == {
        "search": {"question", "k", "filter"},
        "ask": {"question", "llm", "prompt", "k", "mode"},
    }
    assert all(tool.outputSchema and tool.annotations and tool.annotations.readOnlyHint for tool in tools.values())
    assert "scripted, hasty" in tools["ask"].inputSchema["properties"]["llm"]["description"]
    assert_nothing_private(str(tools), chat)


def test_search_gives_passages(url: str, chat: ChatServer) -> None:
    result = call(url, "search", question=QUESTION, k=2, filter={"path": "tea.md"})
    assert not result.isError
    assert result.structuredContent
    first, *others = result.structuredContent["passages"]
    assert (first["doc"], first["headings"][-1], len(others)) == ("tea.md", "Where is tea stored?", 1)
    assert first["text"] in FILES["tea.md"]
    assert chat.requests == []


def test_ask_gives_an_answer_with_citations(url: str, chat: ChatServer) -> None:
    chat.script(Reply("In a closed tin [1]."))
    result = call(url, "ask", question=QUESTION, llm="scripted", prompt="grounded", k=1, mode="strict")
    assert not result.isError
    assert result.structuredContent
    assert result.structuredContent["answer"] == "In a closed tin [1]."
    assert [citation["doc"] for citation in result.structuredContent["citations"]] == ["tea.md"]
    assert "In a closed tin [1]." in text(result)


@pytest.mark.parametrize(
    ("tool", "arguments", "told"),
    [
        ("ask", {}, "question"),
        ("ask", {"question": " "}, "question is empty"),
        ("ask", {"question": QUESTION, "k": 101}, "k"),
        ("ask", {"question": QUESTION, "llm": "nobody"}, "nobody"),
        ("ask", {"question": QUESTION, "mode": "loud"}, "mode"),
        ("ask", {"question": QUESTION, "base_url": "http://127.0.0.1:9"}, "base_url"),
        ("search", {"question": QUESTION, "k": 0}, "k"),
        ("search", {"question": QUESTION, "filter": {"colour": "green"}}, "colour"),
        ("delete", {}, "delete"),
    ],
)
def test_what_cannot_be_right_is_an_error_that_names_it(
    url: str, chat: ChatServer, tool: str, arguments: dict[str, Any], told: str
) -> None:
    result = call(url, tool, **arguments)
    assert result.isError
    assert told in text(result)
    assert chat.requests == []


@pytest.mark.parametrize(
    "fault",
    [Failure.of(401, f"no key {KEY}"), Failure.of(429, "slow down"), Drop(), Hang()],
    ids=["401", "429", "drop", "hang"],
)
def test_a_model_that_fails_at_once_is_an_error_in_public_words(url: str, chat: ChatServer, fault: Script) -> None:
    chat.script(fault)
    result = call(url, "ask", question=QUESTION, llm="hasty")
    assert result.isError
    assert "'hasty'" in text(result)
    assert_nothing_private(text(result), chat)


@pytest.mark.parametrize(
    "fault", [Broken("cut"), Broken("error"), Reply("Half", finish_reason="length")], ids=["cut", "error", "length"]
)
def test_an_answer_that_breaks_off_is_kept_and_marked(url: str, chat: ChatServer, fault: Script) -> None:
    chat.script(fault)
    result = call(url, "ask", question=QUESTION)
    assert result.structuredContent
    assert result.structuredContent["answer"]
    assert result.structuredContent["incomplete"]
    assert_nothing_private(text(result), chat)


def test_a_client_that_leaves_frees_the_model(url: str, chat: ChatServer) -> None:
    params = {"name": "ask", "arguments": {"question": QUESTION}}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    leave_during_answer(f"{url}/mcp", body, chat, {"Accept": "application/json, text/event-stream"})
    assert chat.wait_for_disconnect(30)


def test_its_requests_are_counted_as_its_own(url: str, http: httpx.Client) -> None:
    call(url, "search", question=QUESTION)
    counted = 'askmd_requests_total{method="POST",route="/mcp",status="200"}'
    wait_until(lambda: counted in http.get("/metrics").text)


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
def test_there_are_no_sessions_to_listen_to_or_to_end(http: httpx.Client, method: str) -> None:
    assert http.request(method, "/mcp", headers={"Accept": "text/event-stream"}).status_code == 405


def test_a_process_talks_over_its_standard_input_and_output(handbook: Path, tmp_path: Path) -> None:
    store = shutil.copytree(handbook, tmp_path / "s.db")
    environment = {**os.environ, "MILVUS_URI": str(store), "ASKMD_LLM": "offline"}

    async def connect() -> tuple[CallToolResult, CallToolResult, CallToolResult]:
        server = StdioServerParameters(command=ASKMD, args=["mcp"], env=environment)
        async with stdio_client(server) as (incoming, outgoing), ClientSession(incoming, outgoing) as session:
            await session.initialize()
            return (
                await session.call_tool("search", {"question": QUESTION, "k": 1}),
                await session.call_tool("ask", {"question": QUESTION}),
                await session.call_tool("ask", {"question": QUESTION, "llm": "deepseek"}),
            )

    found, told, failed = asyncio.run(connect())
    assert found.structuredContent
    assert [passage["doc"] for passage in found.structuredContent["passages"]] == ["tea.md"]
    assert told.structuredContent
    assert "closed tin" in told.structuredContent["answer"]
    assert failed.isError
    assert "DEEPSEEK_API_KEY" in text(failed)  # whoever starts the process may know

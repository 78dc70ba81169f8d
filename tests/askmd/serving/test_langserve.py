"""LangServe at /rag by its own client, over real HTTP."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import httpx
import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langserve import RemoteRunnable

from chains.schema import Answer
from tests.askmd.serving.conftest import NO_TLS, QUESTION, assert_nothing_private, leave_during_answer
from tests.support.chat_replies import Broken, Drop, Failure, Hang, Reply, Script
from tests.support.chat_server import ChatServer

TIN = Reply("In a closed tin [1].")


@pytest.fixture(scope="session")
def remotes() -> list[RemoteRunnable[Any, Any]]:
    """All that were made. If the collector ended one in a thread of the server, that could wait for itself for ever:
    it starts a pool of threads, perhaps in the middle of the server's doing so.
    """
    return []


@pytest.fixture
def remote(url: str, remotes: list[RemoteRunnable[Any, Any]]) -> Iterator[RemoteRunnable[Any, Any]]:
    remotes.append(RemoteRunnable(f"{url}/rag", verify=NO_TLS))
    yield remotes[-1]
    remotes[-1].sync_client.close()


def joined(pieces: Iterator[Any]) -> Any:
    total: Any = {}
    for piece in pieces:
        total = piece if not total else total + piece
    return total


async def collected(pieces: Any) -> Any:
    return joined(iter([piece async for piece in pieces]))


def run(remote: RemoteRunnable[Any, Any], call: Coroutine[Any, Any, Any]) -> Any:
    """Run it, and close the client's connections in the same event loop."""

    async def call_and_close() -> Any:
        async with remote.async_client:
            return await call

    return asyncio.run(call_and_close())


CALLS: list[Callable[..., Any]] = [
    lambda remote, asked, config: remote.invoke(asked, config),
    lambda remote, asked, config: run(remote, remote.ainvoke(asked, config)),
    lambda remote, asked, config: remote.batch([asked], config)[0],
    lambda remote, asked, config: run(remote, remote.abatch([asked], config))[0],
    lambda remote, asked, config: joined(remote.stream(asked, config)),
    lambda remote, asked, config: run(remote, collected(remote.astream(asked, config))),
]
every_way = pytest.mark.parametrize("call", CALLS, ids=["invoke", "ainvoke", "batch", "abatch", "stream", "astream"])


@every_way
def test_the_client_gets_the_answer_of_the_chain(
    remote: RemoteRunnable[Any, Any], chat: ChatServer, call: Callable[..., Any]
) -> None:
    chat.script(TIN)
    answer = call(remote, QUESTION, {"configurable": {"k": 2}})
    assert answer["answer"] == "In a closed tin [1]."
    assert set(answer) == set(Answer.__annotations__)
    assert [citation["doc"] for citation in answer["citations"]] == ["tea.md"]
    assert len(answer["sources"]) == 2
    assert answer["usage"]["calls"] == 1


def test_a_question_may_have_a_history_and_a_filter(remote: RemoteRunnable[Any, Any], chat: ChatServer) -> None:
    chat.script(Reply("Where is the tin?"), TIN)
    history = [HumanMessage("Where is tea stored?"), AIMessage("In a tin.")]
    answer = remote.invoke({"question": "Where is it?", "chat_history": history, "filter": {"path": "tea.md"}})
    assert {source["doc"] for source in answer["sources"]} == {"tea.md"}
    assert "In a tin." in json.dumps(chat.requests[0].body)


def test_llm_prompt_and_mode_can_be_chosen(remote: RemoteRunnable[Any, Any], chat: ChatServer) -> None:
    chosen = {"llm": "offline", "prompt": "tutorial", "mode": "labelled", "session_id": "mine", "__pregel": "graph's"}
    answer = remote.invoke(QUESTION, {"configurable": chosen})
    assert (answer["llm"], answer["prompt"], answer["mode"]) == ("offline", "tutorial", "labelled")
    assert chat.requests == []


def test_nothing_else_of_the_clients_config_is_obeyed(remote: RemoteRunnable[Any, Any], chat: ChatServer) -> None:
    config: Any = {"tags": ["hers"], "metadata": {"hers": 1}, "run_name": "hers", "recursion_limit": 1}
    chat.script(TIN)
    events = run(remote, _events(remote, config | {"max_concurrency": 1, "callbacks": []}))
    assert events
    assert "hers" not in json.dumps([event | {"data": None} for event in events])


@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        ("invoke", [], "JSON object"),
        ("invoke", {"input": 3}, "input: neither a text nor a question"),
        ("invoke", {}, "input"),
        ("invoke", {"input": QUESTION, "kwargs": []}, "kwargs"),
        ("stream", {"input": " "}, "question is empty"),
        ("invoke", {"input": {"question": QUESTION, "base_url": "http://127.0.0.1:9"}}, "base_url"),
        ("invoke", {"input": QUESTION, "config": None}, "config"),
        ("invoke", {"input": QUESTION, "config": {"configurable": 3}}, "config"),
        ("invoke", {"input": QUESTION, "config": {"configurable": {"k": 0}}}, "configurable.k"),
        ("stream", {"input": QUESTION, "config": {"configurable": {"k": 100_000}}}, "configurable.k"),
        ("stream", {"input": QUESTION, "config": {"configurable": {"llm": "nobody"}}}, "configurable.llm"),
        ("stream_log", {"input": QUESTION, "config": {"configurable": {"mode": "loud"}}}, "configurable.mode"),
        ("stream_events", {"input": QUESTION, "config": {"configurable": {"prompt": "../x"}}}, "configurable.prompt"),
        ("invoke", {"input": QUESTION, "config": {"configurable": {"base_url": "http://127.0.0.1:9"}}}, "base_url"),
        ("batch", {"inputs": [QUESTION], "config": {"configurable": {"openai_api_key": "x"}}}, "openai_api_key"),
        ("batch", {"inputs": QUESTION}, "inputs"),
        ("batch", {"inputs": [QUESTION] * 17}, "at most 16"),
        ("batch", {"inputs": [QUESTION, 3]}, "inputs.1"),
        ("batch", {"inputs": [QUESTION], "config": [{}, {}]}, "configs"),
        ("batch", {"inputs": [QUESTION], "config": [{"configurable": {"k": 101}}]}, "configurable.k"),
        ("batch", {"inputs": [QUESTION], "config": 3}, "config"),
    ],
)
def test_what_cannot_be_right_is_a_422_that_names_it(
    http: httpx.Client, chat: ChatServer, path: str, body: Any, told: str
) -> None:
    response = http.post(f"/rag/{path}", json=body)
    assert response.status_code == 422
    assert told in response.text
    assert chat.requests == []


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[" * 100_000])
def test_a_body_that_is_not_json_is_a_422(http: httpx.Client, body: bytes) -> None:
    response = http.post("/rag/batch", content=body, headers={"Content-Type": "application/json"})
    assert (response.status_code, "JSON" in response.text) == (422, True)


async def _events(remote: RemoteRunnable[Any, Any], config: Any = None, **options: Any) -> list[Any]:
    return [event async for event in remote.astream_events(QUESTION, config, version="v2", **options)]


async def _log(remote: RemoteRunnable[Any, Any], **options: Any) -> list[Any]:
    return [patch async for patch in remote.astream_log(QUESTION, **options)]


@pytest.mark.parametrize("options", [{}, {"include_types": ["chat_model", "prompt"]}])
def test_events_tell_of_the_answer_and_of_what_was_found_alone(
    remote: RemoteRunnable[Any, Any], chat: ChatServer, options: dict[str, Any]
) -> None:
    chat.script(TIN)
    events = run(remote, _events(remote, **options))
    assert {event["name"] for event in events} <= {"/rag", "retriever"}
    if not options:
        assert {event["event"] for event in events} == {
            *("on_chain_start", "on_chain_stream", "on_chain_end"),
            *("on_retriever_start", "on_retriever_end"),
        }
    assert_nothing_private(str(events), chat)
    assert chat.requests[0].messages[0]["content"] not in str(events)


@pytest.mark.parametrize("options", [{}, {"include_types": ["llm", "prompt"]}, {"include_names": ["llm", "condense"]}])
def test_the_log_tells_of_the_answer_and_of_what_was_found_alone(
    remote: RemoteRunnable[Any, Any], chat: ChatServer, options: dict[str, Any]
) -> None:
    chat.script(TIN)
    patches = run(remote, _log(remote, **options))
    paths = {op["path"] for patch in patches for op in patch.ops}
    assert "/final_output" in paths
    assert {path.split("/")[2] for path in paths if path.startswith("/logs/")} <= {"retriever"}
    assert_nothing_private(str(patches), chat)
    assert chat.requests[0].messages[0]["content"] not in str(patches)


def test_the_schemas_offer_four_choices_and_tell_nothing_else(http: httpx.Client, chat: ChatServer) -> None:
    texts = {name: http.get(f"/rag/{name}").text for name in ("input_schema", "output_schema", "config_schema")}
    choices = json.loads(texts["config_schema"])["$defs"]["Configurable"]["properties"]
    assert set(choices) == {"llm", "prompt", "k", "mode", "order"}
    assert (choices["k"]["minimum"], choices["k"]["maximum"]) == (1, 100)
    assert "offline" in choices["llm"]["enum"]
    assert set(json.loads(texts["output_schema"])["$defs"]["Answer"]["properties"]) == set(Answer.__annotations__)
    playground = http.get("/rag/playground/")
    assert playground.status_code == 200
    assert_nothing_private("".join(texts.values()), chat)
    assert_nothing_private(playground.text, chat)


@pytest.mark.parametrize(
    "path", ["feedback", "token_feedback", "public_trace_link", "c/N4XyA/invoke", "playground/../x"]
)
def test_what_is_not_offered_is_not_there(http: httpx.Client, path: str) -> None:
    assert http.post(f"/rag/{path}", json={}).status_code in {404, 405}


FAULTS: list[Script] = [Failure.of(401, "no such key"), Failure.of(429, "slow down"), Drop(), Hang()]
faults = pytest.mark.parametrize("fault", FAULTS, ids=["401", "429", "drop", "hang"])


@faults
@every_way
def test_a_model_that_fails_at_once_is_an_error_in_public_words(
    remote: RemoteRunnable[Any, Any], chat: ChatServer, call: Callable[..., Any], fault: Script
) -> None:
    chat.script(fault)
    with pytest.raises(httpx.HTTPStatusError) as caught:
        call(remote, QUESTION, {"configurable": {"llm": "hasty"}})
    assert caught.value.response.status_code in {502, 503, 504}
    assert "hasty" in str(caught.value)
    assert_nothing_private(str(caught.value) + caught.value.response.text, chat)


@pytest.mark.parametrize(
    "fault", [Broken("cut"), Broken("error"), Reply("Half", finish_reason="length")], ids=["cut", "error", "length"]
)
@every_way
def test_an_answer_that_breaks_off_is_kept_and_marked(
    remote: RemoteRunnable[Any, Any], chat: ChatServer, call: Callable[..., Any], fault: Script
) -> None:
    chat.script(fault)
    answer = call(remote, QUESTION, {})
    assert answer["answer"]
    assert answer["incomplete"]
    assert_nothing_private(str(answer["incomplete"]), chat)


@pytest.mark.parametrize("path", ["invoke", "batch", "stream", "stream_events", "stream_log"])
def test_a_client_that_leaves_frees_the_model(url: str, chat: ChatServer, path: str) -> None:
    body = {"inputs": [QUESTION]} if path == "batch" else {"input": QUESTION}
    leave_during_answer(f"{url}/rag/{path}", body, chat)
    assert chat.wait_for_disconnect(30)

"""The scripted server, seen through a plain HTTP client."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.chat_replies import Broken, Drop, Failure, Hang, Reply, Usage, words
from tests.support.chat_server import ChatServer, Request

QUESTION: dict[str, Any] = {"model": "deepseek-v4-flash", "messages": [{"role": "user", "content": "hi"}]}
STREAMED: dict[str, Any] = QUESTION | {"stream": True, "stream_options": {"include_usage": True}}


@pytest.fixture
def client() -> Iterator[httpx2.Client]:
    with httpx2.Client(timeout=10, trust_env=False) as client:
        yield client


def ask(client: httpx2.Client, server: ChatServer, body: dict[str, Any] = QUESTION) -> httpx2.Response:
    return client.post(f"{server.base_url}/chat/completions", json=body)


def events(response: httpx2.Response) -> list[str]:
    return [line.removeprefix("data: ") for line in response.text.split("\n") if line]


def test_a_plain_completion_has_text_reason_and_usage(client: httpx2.Client) -> None:
    usage = Usage(prompt=100, completion=5, cached=64, reasoning=3)
    with ChatServer(Reply("Yes [1].", reasoning="Hm.", usage=usage)) as server:
        body = ask(client, server).json()
    choice = body["choices"][0]
    assert choice["message"] == {"role": "assistant", "content": "Yes [1].", "reasoning_content": "Hm."}
    assert choice["finish_reason"] == "stop"
    assert body["usage"] == {
        "prompt_tokens": 100,
        "completion_tokens": 5,
        "total_tokens": 105,
        "prompt_cache_hit_tokens": 64,
        "prompt_cache_miss_tokens": 36,
        "completion_tokens_details": {"reasoning_tokens": 3},
    }


def test_a_stream_has_role_words_reason_usage_and_done(client: httpx2.Client) -> None:
    with ChatServer(Reply("One two.", reasoning="Hm.")) as server:
        response = ask(client, server, STREAMED)
    *parts, done = events(response)
    chunks = [json.loads(part) for part in parts]
    assert response.headers["content-type"] == "text/event-stream"
    assert [chunk["choices"][0]["delta"] for chunk in chunks[:-1]] == [
        {"role": "assistant", "content": ""},
        {"reasoning_content": "Hm."},
        {"content": "One"},
        {"content": " two."},
        {"content": ""},
    ]
    assert chunks[-2]["choices"][0]["finish_reason"] == "stop"
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["total_tokens"] == 18
    assert done == "[DONE]"


def test_usage_is_streamed_only_when_asked_for(client: httpx2.Client) -> None:
    with ChatServer() as server:
        response = ask(client, server, QUESTION | {"stream": True})
    assert all(json.loads(event)["usage"] is None for event in events(response)[:-1])


def test_a_stream_can_lack_its_reason_and_its_end(client: httpx2.Client) -> None:
    with ChatServer(Reply("a", finish_reason=None), Reply("a", finish_reason=None, done=False)) as server:
        no_reason, no_end = (events(ask(client, server, QUESTION | {"stream": True})) for _ in range(2))
    assert '"stop"' not in "".join(no_reason)
    assert no_reason[-1] == "[DONE]"
    assert no_end == no_reason[:-1]


def test_scripts_come_in_order_then_the_default(client: httpx2.Client) -> None:
    def echo(request: Request) -> Reply:
        return Reply(f"You said {request.last_message}")

    with ChatServer(Reply("first"), default=echo) as server:
        server.script(Reply("second"))
        texts = [ask(client, server).json()["choices"][0]["message"]["content"] for _ in range(3)]
    assert texts == ["first", "second", "You said hi"]


def test_requests_are_logged(client: httpx2.Client) -> None:
    with ChatServer() as server:
        client.get(f"{server.base_url}/models", headers={"X-Test": "1"})
        client.post(f"{server.root_url}/chat/completions", json=QUESTION)
        models, chat = server.requests
    assert (models.method, models.path, models.body, models.headers["x-test"]) == ("GET", "/v1/models", None, "1")
    assert (chat.method, chat.path, chat.body) == ("POST", "/chat/completions", QUESTION)
    assert server.connections == 1


def test_models_are_listed(client: httpx2.Client) -> None:
    with ChatServer(models=("a", "b")) as server:
        listed = client.get(f"{server.base_url}/models").json()
    assert [model["id"] for model in listed["data"]] == ["a", "b"]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_other_routes_are_not_found(client: httpx2.Client, method: str) -> None:
    with ChatServer() as server:
        assert client.request(method, f"{server.base_url}/responses").status_code == 404


def test_failures_have_status_body_and_headers(client: httpx2.Client) -> None:
    html = Failure(502, "<html>Bad gateway</html>")
    with ChatServer(Failure.of(429, "slow down", {"Retry-After": "7"}, code="busy"), html) as server:
        limit, gateway = ask(client, server), ask(client, server)
    assert (limit.status_code, limit.headers["retry-after"], limit.json()["error"]["code"]) == (429, "7", "busy")
    assert (gateway.status_code, gateway.headers["content-type"], gateway.text) == (502, "text/html", html.body)


@pytest.mark.parametrize("script", [Hang(), Broken("stall")])
@pytest.mark.parametrize("body", [QUESTION, STREAMED])
def test_a_client_that_gives_up_is_noticed(client: httpx2.Client, script: Hang | Broken, body: dict[str, Any]) -> None:
    with ChatServer(script) as server:
        with pytest.raises(httpx2.ReadTimeout):
            client.post(f"{server.base_url}/chat/completions", json=body, timeout=0.1)
        assert server.wait_for_disconnect()
        assert server.disconnected == server.requests


def test_a_client_that_leaves_a_slow_stream_is_noticed(client: httpx2.Client) -> None:
    with ChatServer(Reply("word " * 100, delay=0.01)) as server:
        with client.stream("POST", f"{server.base_url}/chat/completions", json=STREAMED) as response:
            next(response.iter_lines())
        assert server.wait_for_disconnect()


def test_a_whole_reply_is_no_disconnect(client: httpx2.Client) -> None:
    with ChatServer() as server:
        ask(client, server)
        assert not server.wait_for_disconnect(0.1)


@pytest.mark.parametrize("body", [QUESTION, STREAMED])
def test_a_reset_breaks_the_connection(client: httpx2.Client, body: dict[str, Any]) -> None:
    with ChatServer(Broken("reset"), Drop()) as server:
        for _ in range(2):
            with pytest.raises(httpx2.RemoteProtocolError):
                ask(client, server, body)


def test_a_cut_reply_looks_whole_to_http(client: httpx2.Client) -> None:
    with ChatServer(Broken("cut", Reply("a b c"), after=2), Broken("cut")) as server:
        streamed, plain = ask(client, server, STREAMED), ask(client, server)
    assert [json.loads(event)["choices"][0]["delta"]["content"] for event in events(streamed)] == ["", "a", " b"]
    with pytest.raises(json.JSONDecodeError):
        plain.json()


def test_errors_and_garbage_inside_a_reply(client: httpx2.Client) -> None:
    scripts = [Broken(how) for how in ("error", "garbage") for _ in range(2)]
    with ChatServer(*scripts) as server:
        error, error_stream, garbage, garbage_stream = (ask(client, server, body) for body in [QUESTION, STREAMED] * 2)
    assert error.json()["error"]["message"] == json.loads(events(error_stream)[-1])["error"]["message"]
    for text in (garbage.text, events(garbage_stream)[-1]):
        with pytest.raises(json.JSONDecodeError):
            json.loads(text)


def test_a_huge_reply_arrives_whole(client: httpx2.Client) -> None:
    text = "x" * 10_000_000
    with ChatServer(Reply(text)) as server:
        assert ask(client, server).json()["choices"][0]["message"]["content"] == text


def test_nothing_is_left_running(client: httpx2.Client) -> None:
    before = threading.active_count()
    with ChatServer(Reply(), Hang()) as server:
        ask(client, server)
        waiting = threading.Thread(target=pytest.raises, args=(httpx2.TransportError, ask, client, server))
        waiting.start()
        while len(server.requests) < 2:
            time.sleep(0.01)
    waiting.join()
    assert threading.active_count() == before
    assert server.disconnected == []


@given(st.text())
def test_words_lose_nothing(text: str) -> None:
    assert "".join(words(text)) == text


def test_it_runs_by_hand(client: httpx2.Client) -> None:
    command = [sys.executable, "-m", "tests.support.chat_server", "--answer", "Yes [1]."]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        assert process.stdout
        try:
            address = process.stdout.readline().strip()
            headers = {"Authorization": "Bearer sk-mine"}
            reply = client.post(f"{address}/chat/completions", json=QUESTION, headers=headers).json()
            logged = process.stdout.readline()
        finally:
            process.kill()
    assert reply["choices"][0]["message"]["content"] == "Yes [1]."
    assert json.loads(logged)["body"] == QUESTION
    assert "sk-mine" not in logged

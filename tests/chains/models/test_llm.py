"""The chat models of the registry, over real HTTP: what goes out, what comes back."""

import asyncio
import gc
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from pydantic import SecretStr

from chains.models.llm import chat_model
from chains.models.offline import OfflineChat
from config.errors import ConfigError
from config.models import load_models
from tests.support.chat_calls import KEY, PROMPT, Call, astream, entry, every_way, invoke, open_model, stream
from tests.support.chat_replies import Hang, Reply, Usage
from tests.support.chat_server import ChatServer

# What goes out


@pytest.mark.parametrize(("name", "thinking"), [("deepseek", "disabled"), ("deepseek-thinking", "enabled")])
@every_way
def test_deepseek_receives(call: Call, name: str, thinking: str) -> None:
    with ChatServer() as server:
        call(open_model(server, name))
        (request,) = server.requests
    expected = {
        "model": "deepseek-v4-flash",
        "messages": [
            {"role": "system", "content": "Answer from the evidence."},
            {"role": "user", "content": "Where is the data?"},
        ],
        "temperature": 0.0,
        "thinking": {"type": thinking},
    }
    options = {"stream": True, "stream_options": {"include_usage": True}}
    is_streamed = call in (stream, astream)
    assert (request.method, request.path) == ("POST", "/chat/completions")
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.body == expected | (options if is_streamed else {"stream": False})


def test_everything_in_an_entry_is_sent() -> None:
    changes: dict[str, Any] = {
        "max_tokens": 50,
        "temperature": None,
        "extra_headers": {"X-Title": "askmd"},
        "extra_body": {"top_k": 5},
        "thinking": None,
    }
    with ChatServer() as server:
        invoke(open_model(server, base_url=server.base_url, **changes))
        (request,) = server.requests
    assert request.path == "/v1/chat/completions"
    assert request.headers["x-title"] == "askmd"
    assert set(request.body) == {"model", "messages", "stream", "max_tokens", "top_k"}
    assert (request.body["max_tokens"], request.body["top_k"]) == (50, 5)


def test_openai_itself_gets_its_own_name_of_max_tokens() -> None:
    spec = load_models({})["openai"].model_copy(update={"max_tokens": 50})
    payload = chat_model(spec, SecretStr(KEY))._get_request_payload(PROMPT)  # type: ignore[attr-defined]
    assert payload["max_completion_tokens"] == 50
    assert "max_tokens" not in payload


@pytest.mark.parametrize("call", [invoke, astream])
def test_the_environment_changes_nothing(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    with ChatServer() as server:
        answer = call(open_model(server)).content
        foreign = {
            "OPENAI_API_KEY": "sk-foreign",
            "OPENAI_ADMIN_KEY": "sk-foreign",
            "OPENAI_API_BASE": "http://127.0.0.1:9/foreign",
            "OPENAI_BASE_URL": "http://127.0.0.1:9/foreign",
            "OPENAI_PROXY": "http://foreign:9",
            "OPENAI_ORG_ID": "org-foreign",
            "OPENAI_ORGANIZATION": "org-foreign",
            "OPENAI_PROJECT_ID": "proj-foreign",
            "OPENAI_CUSTOM_HEADERS": "X-Foreign: foreign\nAuthorization: Bearer sk-foreign",
            "OPENAI_API_TYPE": "azure",
            "LANGSMITH_GATEWAY": "true",
            "LANGSMITH_GATEWAY_API_KEY": "lsv2_foreign",
            "LC_OUTPUT_VERSION": "v1",
        }
        for name, value in foreign.items():
            monkeypatch.setenv(name, value)
        model = open_model(server)
        assert call(model).content == answer
        before, after = server.requests
    assert after == before
    assert "foreign" not in repr(model)


def test_a_keyless_server_gets_a_placeholder() -> None:
    with ChatServer() as server:
        chat_model(entry(server, "local")).invoke("hi")
        (request,) = server.requests
    assert request.headers["authorization"] == "Bearer no-key-needed"


# Keys


@pytest.mark.parametrize("key", [None, SecretStr(""), SecretStr(" \n")])
def test_a_missing_key_says_where_to_get_one(key: SecretStr | None) -> None:
    with pytest.raises(ConfigError) as caught:
        chat_model(load_models({})["deepseek"], key)
    assert str(caught.value) == (
        "model 'deepseek' needs a key: set DEEPSEEK_API_KEY (get a key at https://platform.deepseek.com/api_keys), "
        "or use --llm offline"
    )


@pytest.mark.parametrize("key", ["sk-one sk-two", "sk-один", "sk-a\nX-Header: b"])
def test_what_can_not_be_a_key_is_not_sent(key: str) -> None:
    with pytest.raises(ConfigError, match="DEEPSEEK_API_KEY") as caught:
        chat_model(load_models({})["deepseek"], SecretStr(key))
    assert key not in str(caught.value)


def test_blanks_around_a_key_are_dropped() -> None:
    with ChatServer() as server:
        chat_model(entry(server), SecretStr(f" {KEY}\n")).invoke("hi")
        assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_a_model_does_not_show_its_key() -> None:
    with ChatServer() as server:
        model = open_model(server)
        assert KEY not in f"{model!r}{model}{model.model_dump()}{model.to_json()}"


# What comes back


@every_way
def test_an_answer_with_usage_cache_and_thinking(call: Call) -> None:
    usage = Usage(prompt=100, completion=9, cached=64, reasoning=4)
    with ChatServer(Reply("Here [1].", reasoning="Let me see.", usage=usage)) as server:
        message = call(open_model(server, "deepseek-thinking"))
    assert message.content == "Here [1]."
    assert message.additional_kwargs["reasoning_content"] == "Let me see."
    assert message.response_metadata["finish_reason"] == "stop"
    assert message.response_metadata["model_name"] == "deepseek-v4-flash"
    assert message.usage_metadata == {
        "input_tokens": 100,
        "output_tokens": 9,
        "total_tokens": 109,
        "input_token_details": {"cache_read": 64},
        "output_token_details": {"reasoning": 4},
    }


@every_way
def test_unreported_usage_is_unknown(call: Call) -> None:
    with ChatServer(Reply(usage=None)) as server:
        assert call(open_model(server)).usage_metadata is None


@pytest.mark.parametrize("reason", ["length", "content_filter"])
@every_way
def test_why_an_answer_ended_stays_visible(call: Call, reason: str) -> None:
    with ChatServer(Reply("Half an", finish_reason=reason)) as server:
        message = call(open_model(server))
    assert (message.content, message.response_metadata["finish_reason"]) == ("Half an", reason)


@every_way
def test_a_huge_answer_is_whole(call: Call) -> None:
    text = "x" * 3_000_000
    with ChatServer(Reply(text)) as server:
        assert call(open_model(server)).content == text


def test_tokens_arrive_one_by_one() -> None:
    with ChatServer(Reply("one two three", delay=1)) as server:
        started = time.monotonic()
        first = next(chunk for chunk in open_model(server).stream(PROMPT) if chunk.content)
        assert (first.content, time.monotonic() - started < 2.5) == ("one", True)


def test_batches_share_one_model() -> None:
    with ChatServer(default=lambda request: Reply(request.last_message)) as server:
        model = open_model(server)
        questions = [f"question {number}" for number in range(8)]
        sync = [message.content for message in model.batch(list(questions))]
        twin = [message.content for message in asyncio.run(model.abatch(list(questions)))]
    assert sync == twin == questions


def test_connections_are_reused_within_an_event_loop_and_closed_with_it() -> None:
    async def twice(model: BaseChatModel) -> None:
        await model.ainvoke(PROMPT)
        await model.ainvoke(PROMPT)

    with ChatServer() as server:
        model = open_model(server)
        for _ in range(2):
            asyncio.run(twice(model))
            gc.collect()  # an unclosed connection would be a ResourceWarning here, which fails the test
        asynchronous = server.connections
        invoke(model)
        invoke(model)
        assert (asynchronous, server.connections) == (2, 3)


@pytest.mark.parametrize("way", ["sync", "async"])
def test_leaving_a_stream_ends_the_request(way: str) -> None:
    async def leave(model: BaseChatModel) -> None:
        async for _ in model.astream(PROMPT):
            break

    with ChatServer(Reply("word " * 500, delay=0.01)) as server:
        model = open_model(server)
        if way == "async":
            asyncio.run(leave(model))
        else:
            for _ in model.stream(PROMPT):
                break
        assert server.wait_for_disconnect()


def test_a_cancelled_task_ends_the_request() -> None:
    async def cancel(model: BaseChatModel) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(model.ainvoke(PROMPT), 0.2)

    with ChatServer(Hang()) as server:
        asyncio.run(cancel(open_model(server)))
        assert server.wait_for_disconnect()


# The rest of the house


def test_offline_needs_no_key() -> None:
    spec = load_models({})["offline"]
    assert isinstance(chat_model(spec), OfflineChat)
    assert chat_model(spec, refusal="I do not know.").invoke("hi").content == "I do not know."


def test_tokens_are_not_counted_with_another_models_tokenizer() -> None:
    with ChatServer() as server, pytest.raises(NotImplementedError):
        open_model(server).get_num_tokens("text")


def test_heavy_libraries_wait_until_a_model_is_built() -> None:
    code = "import sys, chains.models.llm; sys.exit(bool({'openai', 'langchain_core', 'langchain_openai'} & set(sys.modules)))"
    root = Path(__file__).parents[3]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0

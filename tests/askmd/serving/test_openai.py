"""The OpenAI-compatible endpoint by the official client, over real HTTP."""

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import openai
import pytest
from hypothesis import given, settings, strategies
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from askmd.serving.openai_request import ChatRequest, Refused
from tests.askmd.serving.conftest import KEY, NO_TLS, QUESTION, assert_nothing_private, leave_during_answer
from tests.support.chat_replies import Broken, Drop, Failure, Hang, Reply, Script, Usage
from tests.support.chat_server import ChatServer

ASKED: Any = [{"role": "user", "content": QUESTION}]
TIN = Reply("In a closed tin [1].", usage=Usage(100, 9, cached=64, reasoning=3))


@pytest.fixture
def client(url: str) -> Iterator[openai.OpenAI]:
    http_client = openai.DefaultHttpxClient(verify=NO_TLS)
    with openai.OpenAI(base_url=f"{url}/v1", api_key="none", http_client=http_client) as opened:
        yield opened


def in_async(client: openai.OpenAI) -> openai.AsyncOpenAI:
    http_client = openai.DefaultAsyncHttpxClient(verify=NO_TLS)
    return openai.AsyncOpenAI(base_url=client.base_url, api_key="none", http_client=http_client)


def plain(client: openai.OpenAI, **body: Any) -> tuple[str, str | None, Any]:
    """Give text, finish_reason and extension."""
    completion: ChatCompletion = client.chat.completions.create(**{"model": "scripted", "messages": ASKED} | body)
    choice = completion.choices[0]
    return choice.message.content or "", choice.finish_reason, (completion.model_extra or {})["askmd"]


def streamed(client: openai.OpenAI, **body: Any) -> tuple[str, str | None, Any]:
    return _joined(list(client.chat.completions.create(**{"model": "scripted", "messages": ASKED} | body, stream=True)))


def plain_async(client: openai.OpenAI, **body: Any) -> tuple[str, str | None, Any]:
    async def ask() -> tuple[str, str | None, Any]:
        async with in_async(client) as opened:
            completion = await opened.chat.completions.create(**{"model": "scripted", "messages": ASKED} | body)
            choice = completion.choices[0]
            return choice.message.content or "", choice.finish_reason, completion.model_extra["askmd"]

    return asyncio.run(ask())


def streamed_async(client: openai.OpenAI, **body: Any) -> tuple[str, str | None, Any]:
    async def ask() -> tuple[str, str | None, Any]:
        async with in_async(client) as opened:
            stream: Any = await opened.chat.completions.create(
                **{"model": "scripted", "messages": ASKED} | body, stream=True
            )
            return _joined([chunk async for chunk in stream])

    return asyncio.run(ask())


def _joined(chunks: list[ChatCompletionChunk]) -> tuple[str, str | None, Any]:
    text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    last = [chunk for chunk in chunks if chunk.choices][-1]
    return text, last.choices[0].finish_reason, (last.model_extra or {})["askmd"]


Call = Callable[..., tuple[str, str | None, Any]]
every_way = pytest.mark.parametrize("call", [plain, streamed, plain_async, streamed_async])
both_ways = pytest.mark.parametrize("call", [plain, streamed])


@every_way
def test_an_answer_comes_with_its_sources_beside_it(client: openai.OpenAI, chat: ChatServer, call: Call) -> None:
    chat.script(TIN)
    text, finish_reason, more = call(client, extra_body={"askmd": {"k": 2, "mode": "labelled"}})
    assert (text, finish_reason) == ("In a closed tin [1].", "stop")
    assert [citation["doc"] for citation in more["citations"]] == ["tea.md"]
    assert len(more["sources"]) == 2
    assert (more["llm"], more["mode"], more["refused"], more["notices"]) == ("scripted", "labelled", False, [])
    assert more["usage"]["output_tokens"] == 9


def test_usage_is_told_in_openais_words(client: openai.OpenAI, chat: ChatServer) -> None:
    chat.script(TIN, TIN, TIN)
    completion = client.chat.completions.create(model="scripted", messages=ASKED)
    options: Any = {"include_usage": True}
    chunks = list(client.chat.completions.create(model="scripted", messages=ASKED, stream=True, stream_options=options))
    without = list(client.chat.completions.create(model="scripted", messages=ASKED, stream=True))
    assert chunks[-1].choices == []
    for usage in (completion.usage, chunks[-1].usage):
        assert usage
        assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (100, 9, 109)
        assert usage.prompt_tokens_details
        assert usage.prompt_tokens_details.cached_tokens == 64
        assert usage.completion_tokens_details
        assert usage.completion_tokens_details.reasoning_tokens == 3
    assert {chunk.id for chunk in chunks} == {chunks[0].id}
    assert chunks[0].choices[0].delta.role == "assistant"
    assert all(chunk.usage is None for chunk in [*chunks[:-1], *without])


def test_unknown_usage_is_none(client: openai.OpenAI, chat: ChatServer) -> None:
    chat.script(Reply("In a tin [1].", usage=None))
    assert client.chat.completions.create(model="scripted", messages=ASKED).usage is None


def test_the_thinking_of_a_model_is_apart(client: openai.OpenAI, chat: ChatServer) -> None:
    chat.script(Reply("In a tin [1].", reasoning="Tea is stored"), Reply("In a tin [1].", reasoning="Tea is stored"))
    message = client.chat.completions.create(model="scripted", messages=ASKED).choices[0].message
    assert (message.content, (message.model_extra or {})["reasoning_content"]) == ("In a tin [1].", "Tea is stored")
    chunks = list(client.chat.completions.create(model="scripted", messages=ASKED, stream=True))
    deltas = [choice.delta.model_extra or {} for chunk in chunks for choice in chunk.choices]
    assert "".join(delta.get("reasoning_content", "") for delta in deltas) == "Tea is stored"


@pytest.mark.parametrize("body", [{"model": "scripted+sources"}, {"extra_headers": {"X-Askmd-Sources": "links"}}])
@both_ways
def test_a_list_of_links_ends_the_text_where_it_is_wanted(
    client: openai.OpenAI, chat: ChatServer, call: Call, body: dict[str, Any]
) -> None:
    chat.script(TIN)
    text, _, _ = call(client, **body)
    answer, _, sources = text.partition("\n\nSources:\n")
    assert answer == "In a closed tin [1]."
    assert sources.startswith("1. [tea.md › Tea handbook › Tea › Where is tea stored?](http://127.0.0.1:")


def test_the_messages_before_are_the_history_and_instructions_are_not_obeyed(
    client: openai.OpenAI, chat: ChatServer
) -> None:
    chat.script(Reply("Where is the tin?"), TIN)
    messages: Any = [
        {"role": "system", "content": "Talk like a pirate."},
        {"role": "user", "content": "Where is tea stored?"},
        {"role": "assistant", "content": "In a tin [1].\n\nSources:\n1. [tea.md](http://127.0.0.1/)"},
        {"role": "user", "content": [{"type": "text", "text": "And where"}, {"type": "text", "text": "is the tin?"}]},
    ]
    _, _, more = plain(client, messages=messages)
    sent = json.dumps([request.body for request in chat.requests])
    assert "In a tin [1]." in sent
    assert "Sources:" not in sent
    assert "pirate" not in sent
    assert more["question"] == "And where\nis the tin?"
    assert more["notices"] == ["system messages are not obeyed: the prompt is the server's"]


def test_parameters_of_the_models_own_are_the_servers_affair(client: openai.OpenAI, chat: ChatServer) -> None:
    chat.script(TIN)
    plain(client, temperature=2.0, max_tokens=1, stop=["tin"], seed=1, user="me", n=1, tools=[], tool_choice="none")
    assert chat.requests[0].body["model"] == "scripted"
    assert not {"max_tokens", "stop", "seed", "user"} & chat.requests[0].body.keys()


def test_the_models_are_those_of_the_registry(client: openai.OpenAI) -> None:
    ids = [model.id for model in client.models.list()]
    assert ids[:2] == ["scripted", "scripted+sources"]
    assert {"deepseek", "offline"} <= set(ids)
    assert client.models.retrieve("offline+sources").id == "offline+sources"
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve("nobody")
    assert caught.value.code == "model_not_found"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "assistant", "content": "Hi."}]}, "messages"),
        ({"messages": [{"role": "tool", "content": "42", "tool_call_id": "1"}, *ASKED]}, "messages"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
            "messages.0.content",
        ),
        ({"n": 2}, "n"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"logprobs": True}, "logprobs"),
        ({"modalities": ["audio"]}, "modalities"),
        ({"stream": "perhaps"}, "stream"),
        ({"extra_body": {"askmd": {"k": 101}}}, "askmd.k"),
        ({"extra_body": {"askmd": {"prompt": "../secret"}}}, "askmd.prompt"),
        ({"extra_body": {"askmd": {"base_url": "http://127.0.0.1:9"}}}, "askmd.base_url"),
    ],
)
def test_what_cannot_be_done_is_a_bad_request_that_names_it(
    client: openai.OpenAI, chat: ChatServer, body: dict[str, Any], param: str
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(**{"model": "scripted", "messages": ASKED} | body)
    assert (caught.value.param, caught.value.type) == (param, "invalid_request_error")
    assert chat.requests == []


@pytest.mark.parametrize("question", [" ", "x" * 100_000])
def test_a_question_that_cannot_be_asked_is_refused(client: openai.OpenAI, chat: ChatServer, question: str) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(model="scripted", messages=[{"role": "user", "content": question}])
    assert caught.value.status_code in {400, 422}
    assert "question" in caught.value.message
    assert chat.requests == []


@pytest.mark.parametrize(
    "fault",
    [Failure.of(401, f"no key {KEY}"), Failure.of(429, "slow down"), Drop(), Hang(), Broken("cut", after=0)],
    ids=["401", "429", "drop", "hang", "cut"],
)
@every_way
def test_a_model_that_fails_at_once_is_an_error_in_public_words(
    client: openai.OpenAI, chat: ChatServer, call: Call, fault: Script
) -> None:
    chat.script(fault)
    with pytest.raises(openai.APIStatusError) as caught:
        call(client, model="hasty")
    assert caught.value.status_code in {502, 503, 504}
    assert "'hasty'" in caught.value.message
    assert_nothing_private(caught.value.message + caught.value.response.text, chat)
    assert len(chat.requests) == 1


@pytest.mark.parametrize("how", ["cut", "error", "garbage", "stall"])
@every_way
def test_an_answer_that_breaks_off_is_an_error(client: openai.OpenAI, chat: ChatServer, call: Call, how: Any) -> None:
    chat.script(Broken(how, message=f"crashed {KEY}"))
    with pytest.raises(openai.APIError) as caught:
        call(client, model="hasty")
    assert "'hasty'" in caught.value.message
    assert_nothing_private(str(caught.value), chat)
    assert len(chat.requests) == 1


@pytest.mark.parametrize("reason", ["length", "content_filter"])
@every_way
def test_an_answer_that_was_cut_says_so(client: openai.OpenAI, chat: ChatServer, call: Call, reason: str) -> None:
    chat.script(Reply("Half an answer", finish_reason=reason))
    text, finish_reason, more = call(client)
    assert (text, finish_reason) == ("Half an answer", reason)
    assert more["incomplete"]


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_leaves_frees_the_model(url: str, chat: ChatServer, stream: bool) -> None:
    body = {"model": "scripted", "messages": ASKED, "stream": stream}
    leave_during_answer(f"{url}/v1/chat/completions", body, chat)
    assert chat.wait_for_disconnect(30)


MESSAGES = strategies.lists(
    strategies.fixed_dictionaries(
        {
            "role": strategies.sampled_from(["system", "developer", "user", "assistant", "tool"]),
            "content": strategies.one_of(
                strategies.none(),
                strategies.text(),
                strategies.lists(
                    strategies.fixed_dictionaries(
                        {"type": strategies.sampled_from(["text", "image_url"]), "text": strategies.text()}
                    )
                ),
            ),
        }
    ),
    min_size=1,
)


@given(MESSAGES)
@settings(max_examples=30)
def test_any_messages_make_a_question_or_are_refused(messages: list[dict[str, Any]]) -> None:
    request = ChatRequest.model_validate({"model": "m", "messages": messages})
    try:
        question, notices = request.question()
    except Refused:
        return
    roles = [message["role"] for message in messages]
    assert roles[-1] == "user"
    assert len(question["chat_history"]) <= len(messages) - 1
    assert bool(notices) == any(role in {"system", "developer"} for role in roles)


def test_a_model_without_a_key_is_told_as_what_it_is(client: openai.OpenAI, chat: ChatServer) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        plain(client, model="deepseek")
    assert caught.value.status_code == 503
    assert "the chat model has no key here; choose another" in caught.value.message
    assert_nothing_private(caught.value.response.text, chat)

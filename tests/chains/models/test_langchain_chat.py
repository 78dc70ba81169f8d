"""Registry entries that go through LangChain's `init_chat_model`."""

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import SecretStr

from chains.models.langchain_chat import LangChainChat, StreamingLangChainChat
from chains.models.limited_stream import LimitedWaiting
from chains.models.llm import chat_model
from chains.rag import build_chain
from config.errors import ConfigError, ModelError
from config.models import ChatModelSpec, load_models
from config.settings import Settings
from store.collection import Store
from tests.support.chat_calls import KEY, PROMPT, Call, astream, every_way, invoke, stream, streamed
from tests.support.chat_replies import Broken, Failure, Hang, Reply
from tests.support.chat_server import ChatServer, Request


def foreign(server: ChatServer | None = None, **changes: Any) -> ChatModelSpec:
    entry = {"provider": "langchain", "model": "openai:some-model", "api_key_env": "FOREIGN_KEY", "max_retries": 0}
    address = {"base_url": server.base_url} if server else {}
    return load_models({"foreign": entry | address | changes})["foreign"]


def open_foreign(server: ChatServer, **changes: Any) -> BaseChatModel:
    return chat_model(foreign(server, **changes), SecretStr(KEY))


@every_way
def test_a_provider_is_called_with_what_the_entry_says(call: Call, server: ChatServer) -> None:
    message = call(open_foreign(server, temperature=0.5, max_tokens=50))
    (request,) = server.requests
    assert message.content == "A scripted answer [1]."
    assert message.response_metadata["finish_reason"] == "stop"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert (request.body["model"], request.body["temperature"]) == ("some-model", 0.5)
    assert request.body["max_completion_tokens"] == 50


def test_retries_of_the_entry_are_obeyed(server: ChatServer) -> None:
    server.script(Failure.of(500, "once", {"retry-after-ms": "1"}))
    assert invoke(open_foreign(server, max_retries=1)).content == "A scripted answer [1]."
    server.script(Failure.of(500, "twice"))
    with pytest.raises(ModelError):
        invoke(open_foreign(server))


@every_way
def test_the_limit_of_the_first_token_is_obeyed(call: Call, server: ChatServer) -> None:
    server.script(Hang())
    with pytest.raises(ModelError, match=r"model 'foreign' .*: (nothing|no first token) arrived for 0\.3 s; try again"):
        call(open_foreign(server, first_token_timeout=0.3))


@every_way
def test_the_limit_of_the_whole_answer_is_obeyed(call: Call, server: ChatServer) -> None:
    server.script(Reply("word " * 1000, delay=0.05) if call in (stream, astream) else Hang())
    with pytest.raises(ModelError, match=r"the answer was not whole after 0\.5 s; ask for less"):
        call(open_foreign(server, answer_timeout=0.5))


@streamed
def test_the_limit_between_two_tokens_is_obeyed(call: Call, server: ChatServer) -> None:
    server.script(Broken("stall", Reply("In a closed tin"), after=2))
    with pytest.raises(ModelError, match=r"no further token arrived for 0\.5 s; try again later"):
        call(open_foreign(server, timeout=0.5, first_token_timeout=60))


@pytest.mark.parametrize("asynchronous", [False, True])
def test_so_many_calls_are_under_way_at_once_and_the_next_one_waits(asynchronous: bool) -> None:
    under_way, most = 0, 0
    lock = threading.Lock()

    def slowly(_: Request) -> Reply:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        time.sleep(0.1)  # so long both would be seen, if both could come
        with lock:
            under_way -= 1
        return Reply()

    with ChatServer(default=slowly) as server:
        model = open_foreign(server, max_concurrency=1)
        answers = asyncio.run(model.abatch([PROMPT] * 3)) if asynchronous else model.batch([PROMPT] * 3)

    assert [answer.content for answer in answers] == ["A scripted answer [1]."] * 3
    assert most == 1


def test_a_stream_that_is_left_frees_its_place(server: ChatServer) -> None:
    server.script(Reply("word " * 1000, delay=0.02))
    model = open_foreign(server, max_concurrency=1, answer_timeout=60)
    chunks: Any = model.stream(PROMPT)
    next(chunks)
    chunks.close()

    assert invoke(model).content == "A scripted answer [1]."


@pytest.mark.parametrize("key", ["connect_timeout", "retry_seconds", "max_reply_bytes"])
def test_a_limit_that_cannot_be_kept_is_refused(key: str) -> None:
    with pytest.raises(ConfigError, match=f"model 'foreign': `{key}` is the provider's own affair"):
        foreign(None, **{key: 5})


@every_way
def test_an_error_is_one_line_without_the_key(call: Call, server: ChatServer) -> None:
    server.script(Failure.of(401, f"bad key\n{KEY} given"))
    with pytest.raises(ModelError) as caught:
        call(open_foreign(server))
    text = str(caught.value)
    assert text.startswith("model 'foreign' (openai:some-model): OpenAIAuthenticationError: ")
    assert "bad key" in text
    assert text.endswith("; check its key")
    assert KEY not in text
    assert "\n" not in text
    assert caught.value.__context__ is None


@streamed
def test_a_stream_that_breaks_off_is_no_answer(call: Call, server: ChatServer) -> None:
    server.script(Broken("cut"))
    with pytest.raises(ModelError, match="broke off"):
        call(open_foreign(server))


@every_way
def test_an_empty_answer_is_an_error(call: Call, server: ChatServer) -> None:
    server.script(Reply(" "))
    with pytest.raises(ModelError, match="empty"):
        call(open_foreign(server))


def test_neither_the_model_nor_its_copy_shows_the_key(server: ChatServer) -> None:
    model = open_foreign(server)
    assert KEY not in f"{model!r}{model}{model.model_dump()}{model.to_json()}"


def test_a_package_that_is_not_installed_is_named() -> None:
    with pytest.raises(ConfigError, match="model 'foreign': .*pip install langchain-nvidia-ai-endpoints"):
        chat_model(foreign(model="nvidia:some-model"), SecretStr(KEY))


def test_a_provider_that_langchain_does_not_know_gets_the_list_of_those_it_knows() -> None:
    with pytest.raises(ConfigError, match="model 'foreign': Unsupported provider='nope'.*anthropic"):
        chat_model(foreign(model="nope:some-model"), SecretStr(KEY))


def test_a_key_that_is_missing_is_said_before_anything_is_opened() -> None:
    with pytest.raises(ConfigError, match="set FOREIGN_KEY"):
        chat_model(foreign())
    with pytest.raises(ConfigError, match="model 'foreign'"):
        chat_model(foreign(api_key_env=None))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model": "some-model"}, "PROVIDER:MODEL"),
        ({"model": ":some-model"}, "PROVIDER:MODEL"),
        ({"thinking": "enabled"}, "`thinking`"),
        ({"extra_body": {"a": 1}}, "`extra_body`"),
        ({"extra_headers": {"a": "b"}}, "`extra_headers`"),
        ({"base_url": "ftp://127.0.0.1"}, "base_url"),
    ],
)
def test_an_entry_that_cannot_work_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        foreign(**changes)


def test_the_chain_answers_with_such_an_entry(
    store: Store, server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOREIGN_KEY", KEY)
    spec = foreign(server).model_dump(exclude={"name"}, exclude_defaults=True)
    chain = build_chain(Settings(models={"foreign": spec}, llm="foreign", gate=0), store)
    history = [HumanMessage("Which teas are there?"), AIMessage("Green and black.")]

    answer = chain.invoke({"question": "How long does green tea steep?", "chat_history": history})

    assert answer["answer"].startswith("A scripted answer")
    assert (answer["llm"], answer["finish_reason"]) == ("foreign", "stop")
    condensing, _ = server.requests
    assert not condensing.body.get("stream")


# Providers that say why they ended in words of their own


class Provider(BaseChatModel):
    """A provider's class that answers with the given metadata, as Anthropic's or Ollama's does."""

    metadata: dict[str, Any]

    @property
    def _llm_type(self) -> str:
        return "test"

    def _generate(self, *args: Any, **kwargs: Any) -> ChatResult:  # noqa: ARG002 - the interface
        message = AIMessage("Words.", response_metadata=dict(self.metadata))
        return ChatResult(generations=[ChatGeneration(message=message)])


class StreamingProvider(Provider):
    def _stream(self, *args: Any, **kwargs: Any) -> Iterator[ChatGenerationChunk]:  # noqa: ARG002 - the interface
        yield ChatGenerationChunk(message=AIMessageChunk(content="Words."))
        yield ChatGenerationChunk(message=AIMessageChunk(content=""), generation_info=dict(self.metadata))


@pytest.mark.parametrize(
    ("metadata", "finish_reason"),
    [
        ({"stop_reason": "end_turn"}, "stop"),
        ({"stop_reason": "max_tokens"}, "length"),
        ({"finish_reason": "MAX_TOKENS"}, "length"),
        ({"finish_reason": "SAFETY"}, "content_filter"),
        ({"done_reason": "length"}, "length"),
        ({"stopReason": "guardrail_intervened"}, "content_filter"),
        ({"finish_reason": "something_new"}, "something_new"),
    ],
)
@every_way
def test_ends_are_told_in_one_language(call: Call, metadata: dict[str, str], finish_reason: str) -> None:
    model = StreamingLangChainChat(
        inner=StreamingProvider(metadata=metadata), spec=foreign(), waiting=LimitedWaiting(foreign())
    )
    assert call(model).response_metadata["finish_reason"] == finish_reason


def test_a_provider_that_does_not_stream_answers_in_one_piece() -> None:
    model = LangChainChat(inner=Provider(metadata={}), spec=foreign(), waiting=LimitedWaiting(foreign()))
    assert [message.content for message in model.stream(PROMPT)] == ["Words."]


def test_a_streamed_answer_is_not_one_piece(server: ChatServer) -> None:
    pieces = [chunk.content for chunk in open_foreign(server).stream(PROMPT) if chunk.content]
    assert len(pieces) > 1

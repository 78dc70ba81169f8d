"""How the failures of a chat model are told, over real HTTP, for plain and streamed, sync and async calls alike."""

import traceback
from pathlib import Path

import pytest
from langchain_core.language_models import BaseChatModel

from chains.models.llm import chat_model
from chains.models.openai_errors import ChatFailure
from tests.support.certificates import self_signed_listener
from tests.support.chat_calls import KEY, PROMPT, Call, entry, every_way, invoke, open_model, plain, streamed
from tests.support.chat_replies import Broken, Drop, Failure, Hang, Reply, Script
from tests.support.chat_server import ChatServer

MEGABYTE = "x" * 1_000_000


def failure(call: Call, model: BaseChatModel) -> ChatFailure:
    """Make a call that must fail, and check what holds for every failure."""
    with pytest.raises(ChatFailure) as caught:
        call(model)
    error = caught.value
    everything = "".join([str(error), repr(error), repr(vars(error)), *traceback.format_exception(error)])
    assert KEY not in everything
    assert error.__cause__ is None
    assert error.__context__ is None
    assert "\n" not in str(error)
    assert str(error).startswith(f"model 'deepseek' at {error.host}: ")
    return error


STATUSES = [
    (400, "the request was refused", "the entry's model id"),
    (401, "the key was not accepted", "check DEEPSEEK_API_KEY"),
    (402, "no balance left", "top the account up"),
    (403, "may not use this model", "DEEPSEEK_API_KEY is allowed"),
    (404, "neither model 'deepseek-v4-flash' nor the path", "`base_url`"),
    (408, "gave up waiting", "try again later"),
    (413, "too long", "send less context"),
    (422, "was refused", "parameters"),
    (429, "too many requests", "--llm"),
    (500, "the server failed", "try again later"),
    (502, "the server failed", "try again later"),
    (503, "the server failed", "try again later"),
    (307, "unexpected answer", "`base_url`"),
]


@pytest.mark.parametrize(("status", "what", "remedy"), STATUSES)
@every_way
def test_a_status_says_what_happened_and_what_to_do(call: Call, status: int, what: str, remedy: str) -> None:
    location = {"Location": "http://127.0.0.1:9/"}
    with ChatServer(Failure.of(status, f"No: {KEY}\n and sk-0***cdef", location)) as server:
        error = failure(call, open_model(server))
        assert (error.entry, error.host, error.kind, error.status) == ("deepseek", server.host, "status", status)
    assert str(status) in str(error)
    assert what in str(error)
    assert remedy in str(error)
    assert '"No: (key) and (key)"' in str(error)


def test_a_rate_limit_says_how_long_to_wait() -> None:
    with ChatServer(Failure.of(429, "slow down", {"Retry-After": "7"})) as server:
        assert "(retry after 7 s)" in str(failure(invoke, open_model(server)))


def test_what_a_server_says_is_shortened_and_harmless() -> None:
    with ChatServer(Failure.of(400, "\x1b[31m" + "long " * 100)) as server:
        error = failure(invoke, open_model(server))
    assert len(str(error)) < 450
    assert str(error).isprintable()


@every_way
def test_a_web_page_is_not_quoted(call: Call) -> None:
    with ChatServer(Failure(502, "<html>Bad gateway</html>")) as server:
        assert "html" not in str(failure(call, open_model(server)))


BROKEN: list[tuple[Script, str, str]] = [
    (Hang(), "timeout", "arrived for 0.3 s"),
    (Drop(), "connection", "disconnected"),
    (Broken("stall"), "timeout", "arrived for 0.3 s"),
    (Broken("stall", after=0), "timeout", "arrived for 0.3 s"),
    (Broken("comments"), "timeout", "arrived for 0.3 s"),
    (Broken("comments", after=0), "timeout", "arrived for 0.3 s"),
    (Broken("reset"), "connection", "broke off"),
    (Broken("reset", after=0), "connection", "broke off"),
    (Broken("error", message=f"overloaded {KEY}"), "reported", 'reported an error: "overloaded (key)"'),
    (Broken("error", after=0, message=f"overloaded {KEY}"), "reported", 'reported an error: "overloaded (key)"'),
    (Broken("garbage"), "malformed", "is no chat completion"),
    (Broken("garbage", after=0), "malformed", "is no chat completion"),
    (Broken("sse"), "malformed", "is no chat completion"),
    (Broken("sse", after=0), "malformed", "is no chat completion"),
    (Failure(200, "<html>Log in</html>"), "malformed", "`base_url`"),
    (Failure(200, '{"choices": [', content_type="application/json"), "malformed", "is no chat completion"),
    (Failure(200, {"choices": None}), "malformed", "is no chat completion"),
    (Failure(200, {"choices": []}), "malformed", "is no chat completion"),
    (Failure(200, "null", content_type="application/json"), "malformed", "is no chat completion"),
    (Reply("Half an answer", finish_reason=None), "incomplete", "broke off (no finish_reason)"),
    (Reply(""), "empty", "the answer is empty"),
    (Reply("", reasoning="Hm."), "empty", "ask again"),
    (Reply("", reasoning="Hm.", finish_reason="length"), "empty", "`max_tokens`"),
]


@pytest.mark.parametrize(("script", "kind", "words"), BROKEN)
@every_way
def test_a_broken_reply_is_an_error(call: Call, script: Script, kind: str, words: str) -> None:
    with ChatServer(script) as server:
        timeout = 0.3 if kind == "timeout" else 60
        error = failure(
            call, open_model(server, timeout=timeout, max_retries=0 if isinstance(script, Drop | Hang) else 2)
        )
        assert (error.kind, error.status, error.attempts) == (kind, None, 1)
        assert len(server.requests) == 1
    assert words in str(error)


@pytest.mark.parametrize("text", [10 * MEGABYTE, " ".join([MEGABYTE] * 10)])
@every_way
def test_a_reply_of_ten_megabytes_is_refused(call: Call, text: str) -> None:
    with ChatServer(Reply(text)) as server:
        error = failure(call, open_model(server))
    assert (error.kind, error.attempts) == ("oversized", 1)
    assert "longer than 4,000,000 bytes" in str(error)
    assert "`max_reply_bytes`" in str(error)


@streamed
def test_many_events_that_say_little_are_refused_too(call: Call) -> None:
    with ChatServer(Reply("word " * 1000)) as server:
        assert failure(call, open_model(server, max_reply_bytes=10_000)).kind == "oversized"
        assert call(open_model(server, max_reply_bytes=100_000)).content


@streamed
def test_a_stream_that_is_cut_is_an_error(call: Call) -> None:
    with ChatServer(Broken("cut"), Reply("a b", finish_reason=None, done=False)) as server:
        model = open_model(server)
        assert [failure(call, model).kind for _ in range(2)] == ["incomplete", "incomplete"]


@plain
def test_a_body_that_is_cut_is_an_error(call: Call) -> None:
    with ChatServer(Broken("cut")) as server:
        assert failure(call, open_model(server)).kind == "malformed"


def test_a_cut_stream_gives_what_arrived_before_it_fails() -> None:
    with ChatServer(Broken("cut", Reply("one two three"), after=2)) as server:
        chunks = open_model(server).stream(PROMPT)
        assert [next(chunks).text for _ in range(3)] == ["", "one", " two"]
        with pytest.raises(ChatFailure):
            next(chunks)


@every_way
def test_a_server_that_is_not_there(call: Call) -> None:
    with ChatServer() as server:
        model = open_model(server)
    error = failure(call, model)
    assert error.kind == "connection"
    assert "that the server runs" in str(error)


@every_way
def test_a_host_that_does_not_exist(call: Call) -> None:
    with ChatServer() as server:
        error = failure(call, open_model(server, base_url="http://no-such-host.invalid", max_retries=0))
    assert (error.kind, error.host) == ("connection", "no-such-host.invalid")
    assert "its host was not found" in str(error)


@every_way
def test_a_server_without_tls(call: Call) -> None:
    with ChatServer() as server:
        error = failure(call, open_model(server, base_url=server.root_url.replace("http:", "https:"), max_retries=0))
    assert error.kind == "connection"
    assert "no connection that can be trusted" in str(error)


@every_way
def test_a_certificate_that_nobody_vouches_for(call: Call, tmp_path: Path) -> None:
    with ChatServer() as server, self_signed_listener(tmp_path) as url:
        error = failure(call, open_model(server, base_url=url, max_retries=0))
    assert error.kind == "connection"
    assert "no connection that can be trusted" in str(error)


@every_way
def test_what_the_server_says_tells_why_it_refused(call: Call) -> None:
    long = Failure.of(400, "This model's maximum context length is 8192 tokens.", code="context_length_exceeded")
    with ChatServer(long, Failure.of(429, "You exceeded your quota", code="insufficient_quota")) as server:
        model = open_model(server, max_retries=2)
        too_long, no_quota = failure(call, model), failure(call, model)
        assert len(server.requests) == 2
    assert "400, the prompt is too long" in str(too_long)
    assert "send less context" in str(too_long)
    assert "429, the account has no balance left" in str(no_quota)


UNKNOWN = [
    (404, "Model Not Exist", None),
    (400, "Model Not Exist", None),
    (404, "The model `x` does not exist or you do not have access to it.", "model_not_found"),
    (400, "x is not a valid model ID", None),
    (404, "model 'x' not found", None),
    (404, "No endpoints found for x", None),
]


@pytest.mark.parametrize(("status", "said", "code"), UNKNOWN)
def test_an_unknown_model_id_is_told_with_those_of_today(status: int, said: str, code: str | None) -> None:
    with ChatServer(default=Failure.of(status, said, code=code)) as server:
        error = failure(invoke, open_model(server, model="deepseek-v3"))
        assert f"{status}, the provider has no model 'deepseek-v3'" in str(error)
        assert "ids that askmd knows of this provider: 'deepseek-v4-flash', 'deepseek-v4-pro'" in str(error)


@pytest.mark.parametrize(("old", "thinking"), [("deepseek-chat", "disabled"), ("deepseek-reasoner", "enabled")])
@every_way
def test_a_retired_model_id_is_told_with_its_successor(call: Call, old: str, thinking: str) -> None:
    with ChatServer(Failure.of(400, "Model Not Exist")) as server:
        error = failure(call, open_model(server, model=old))
    assert f"retired on 2026-07-24; today's id is 'deepseek-v4-flash', with `thinking = \"{thinking}\"`" in str(error)


def test_a_server_without_a_key_lists_its_own_ids() -> None:
    told = pytest.raises(ChatFailure, match="the server lists its ids at http://127.0.0.1:.*/models")
    with ChatServer(Failure.of(404, "model 'x' not found")) as server, told:
        chat_model(entry(server, "local", model="x")).invoke("hi")

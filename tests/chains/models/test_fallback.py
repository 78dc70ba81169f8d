"""What becomes of an answer when a model fails, over real HTTP to one server for each of two entries."""

import asyncio
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.runnables import Runnable

from chains.models.offline import PREAMBLE
from chains.models.openai_errors import ChatFailure
from chains.rag import build_chain, compose
from chains.resources import Resources
from config.errors import AskmdError, ConfigError, ModelError, public_text
from config.settings import Settings
from store.collection import Store
from tests.support.chat_replies import Broken, Drop, Failure, Hang, Reply, Script, Usage
from tests.support.chat_server import ChatServer, Request

QUESTION = "Where is tea stored?"
ELSEWHERE = "Which volcano erupted beside Pompeii during antiquity?"
REFUSAL = "The documents do not answer this question."
KEY = "sk-0123456789abcdef"
ANSWER = "In a closed tin [1]."
FOLLOW_UP = {
    "question": "With how many grams?",
    "chat_history": [HumanMessage("How is espresso made?"), AIMessage("Under pressure [1].")],
}

Chain = Runnable[Any, Any]
Build = Callable[..., Chain]


@pytest.fixture
def second() -> Iterator[ChatServer]:
    with ChatServer(default=Reply(ANSWER)) as started:
        yield started


@pytest.fixture
def servers(server: ChatServer, second: ChatServer) -> tuple[ChatServer, ChatServer]:
    return server, second


@pytest.fixture
def build(store: Store, server: ChatServer, second: ChatServer, monkeypatch: pytest.MonkeyPatch) -> Build:
    """Builds a chain of the entries `first` and `second`, one for each server, and `keyless`, whose key is missing."""
    monkeypatch.setenv("FIRST_KEY", KEY)
    models: dict[str, dict[str, Any]] = {
        "first": {"base_url": server.base_url, "model": "m-1", "api_key_env": "FIRST_KEY", "max_retries": 0},
        "second": {"base_url": second.base_url, "model": "m-2", "max_retries": 0},
        "keyless": {"base_url": second.base_url, "model": "m-3", "api_key_env": "MISSING_KEY"},
    }

    def chain(*fallbacks: str, fault: Script | None = None, **choices: Any) -> Chain:
        if isinstance(fault, Hang) or (isinstance(fault, Broken) and fault.how == "stall"):
            models["first"]["timeout"] = 0.3
        settings = Settings(**{"llm": "first", "models": models, "k": 3, **choices}, fallbacks=fallbacks)
        return build_chain(settings, store)

    return chain


def invoke(chain: Chain, question: Any = QUESTION) -> Any:
    return chain.invoke(question)


def ainvoke(chain: Chain, question: Any = QUESTION) -> Any:
    return asyncio.run(chain.ainvoke(question))


def stream(chain: Chain, question: Any = QUESTION) -> Any:
    return total(list(chain.stream(question)))


def astream(chain: Chain, question: Any = QUESTION) -> Any:
    async def collect() -> list[Any]:
        return [piece async for piece in chain.astream(question)]

    return total(asyncio.run(collect()))


def total(pieces: list[Any]) -> Any:
    return sum(pieces[1:], pieces[0])


every_way = pytest.mark.parametrize("ask", [invoke, ainvoke, stream, astream])


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Failure.of(401, f"bad key {KEY}"), "401, the key was not accepted"),
        (Failure.of(402, "pay"), "402"),
        (Failure.of(413, "too long"), "413, the prompt is too long"),
        (Failure.of(429, "slow down"), "429"),
        (Failure.of(503, "busy\nsorry"), "503, the server failed"),
        (Failure(200, "<html>Log in</html>"), "no chat completion"),
        (Hang(), "no first token arrived for 0.3 s"),
        (Drop(), "no connection, or it broke off"),
        (Broken("stall", after=0), "no first token arrived"),
        (Broken("error", after=0), "it reported an error"),
        (Broken("cut", Reply("Tin.", reasoning="Hm, a tin."), after=2), "broke off"),
        (Reply(""), "the answer is empty"),
        (Reply(" \n "), "the answer is empty"),
        (Reply("", reasoning="Hm."), "the answer is empty"),
        (Reply("", finish_reason="content_filter"), "(finish_reason 'content_filter')"),
    ],
)
@every_way
def test_the_next_entry_answers_where_nothing_was_said(
    build: Build, servers: tuple[ChatServer, ChatServer], ask: Callable[[Chain], Any], fault: Script, reason: str
) -> None:
    servers[0].script(fault)

    answer = ask(build("second", fault=fault))

    assert (answer["answer"], answer["llm"], answer["model"]) == (ANSWER, "second", "m-2")
    assert (answer["incomplete"], answer["finish_reason"], answer["cited"]) == (None, "stop", [1])
    (notice,) = answer["notices"]
    assert notice.startswith("model 'first'")
    assert reason in notice
    assert notice.endswith("; 'second' takes its place")
    assert notice.isprintable()
    assert KEY not in str(answer)
    assert [len(each.requests) for each in servers] == [1, 1]


def test_nobody_else_is_asked_where_the_first_answers(build: Build, server: ChatServer, second: ChatServer) -> None:
    answer = build("second", "keyless").invoke(QUESTION)

    assert (answer["llm"], answer["notices"], second.requests) == ("first", [], [])


def test_each_question_of_a_batch_has_its_own_fallback(build: Build, server: ChatServer, second: ChatServer) -> None:
    def fail_for_espresso(request: Request) -> Script:
        return Failure.of(500, "oops") if "espresso made?\n</question>" in request.last_message else Reply("Yes [1].")

    questions = [QUESTION, "How is espresso made?", "Who repairs the machine?"]
    with ChatServer(default=fail_for_espresso) as moody:
        models = {
            "first": {"base_url": moody.base_url, "model": "m", "max_retries": 0},
            "second": {"base_url": second.base_url, "model": "m"},
        }
        answers = build("second", models=models).batch(questions)

    assert [answer["llm"] for answer in answers] == ["first", "second", "first"]
    assert [len(answer["notices"]) for answer in answers] == [0, 1, 0]


def test_the_fallbacks_stand_behind_whatever_a_call_chooses(
    build: Build, server: ChatServer, second: ChatServer
) -> None:
    second.script(Failure.of(500, "oops"))
    chain = build("second", "first", llm="offline")

    answer = chain.invoke(QUESTION, config={"configurable": {"llm": "second"}})

    assert answer["llm"] == "first"
    assert len(second.requests) == 1, "an entry is asked once, also where it is its own fallback"
    assert chain.invoke(QUESTION)["llm"] == "offline"


def test_a_fallback_without_its_key_is_passed_over(build: Build, server: ChatServer) -> None:
    server.script(Failure.of(500, "oops"))

    answer = build("keyless", "second").invoke(QUESTION)

    assert answer["llm"] == "second"
    failed, skipped = answer["notices"]
    assert failed.endswith("; 'keyless' takes its place")
    assert skipped == "model 'keyless' needs a key: set MISSING_KEY, or use --llm offline; 'second' takes its place"


@every_way
def test_where_all_fail_the_first_failure_is_raised_and_the_others_are_named(
    build: Build, server: ChatServer, second: ChatServer, ask: Callable[[Chain], Any]
) -> None:
    server.script(Failure.of(402, f"pay {KEY}"))
    second.script(Broken("error", after=0, message="overloaded"))

    with pytest.raises(ChatFailure) as caught:
        ask(build("keyless", "second"))

    error = caught.value
    assert (error.entry, error.status) == ("first", 402)
    assert "; and model 'keyless' needs a key" in str(error)
    assert "; and model 'second' at 127.0.0.1" in str(error)
    assert '"overloaded"' in str(error)
    assert str(error).isprintable()
    assert KEY not in "".join(traceback.format_exception(error))


def test_where_all_fail_the_stream_has_given_the_sources(build: Build, server: ChatServer) -> None:
    server.script(Failure.of(500, "oops"))
    pieces = build().stream(QUESTION)

    assert next(pieces)["sources"]
    with pytest.raises(ModelError, match="500"):
        list(pieces)


def test_a_missing_key_of_the_chosen_entry_is_no_error_where_another_can_answer(
    build: Build, second: ChatServer
) -> None:
    answer = build("second", llm="keyless").invoke(QUESTION)

    assert answer["llm"] == "second"
    assert answer["notices"] == [
        "model 'keyless' needs a key: set MISSING_KEY, or use --llm offline; 'second' takes its place"
    ]


def test_where_no_key_is_there_it_is_told_before_anything_is_searched() -> None:
    chain = build_chain(Settings(fallbacks=("openrouter",), milvus_uri="none.db"))

    with pytest.raises(ConfigError, match=r"set DEEPSEEK_API_KEY .*; and model 'openrouter' needs a key"):
        chain.invoke(QUESTION)


def test_an_unknown_fallback_is_named_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="no model is called 'gpt'; known: deepseek, "):
        build_chain(Settings(fallbacks=("offline", "gpt")))


@every_way
def test_offline_at_the_end_quotes_the_evidence(
    build: Build, server: ChatServer, second: ChatServer, ask: Callable[[Chain], Any]
) -> None:
    server.script(Failure.of(503, "busy"))
    second.script(Drop())

    answer = ask(build("second", "offline"))

    assert answer["answer"].startswith(PREAMBLE)
    assert "Loose leaves are kept in a closed tin" in answer["answer"]
    assert (answer["llm"], answer["model"], answer["incomplete"]) == ("offline", "offline", None)
    assert answer["citations"]
    assert [notice.rpartition("; ")[2] for notice in answer["notices"][:2]] == [
        "'second' takes its place",
        "'offline' takes its place",
    ]
    assert answer["notices"][2].startswith("no model could be reached")


BROKEN_OFF: list[tuple[Script, str]] = [
    (Broken("cut", Reply("In a closed tin [1]. Not in"), after=6), "the reply broke off (no finish_reason)"),
    (Broken("reset", Reply("In a closed tin [1]. Not in"), after=6), "no connection, or it broke off"),
    (Broken("stall", Reply("In a closed tin [1]. Not in"), after=6), "no further token arrived for 0.3 s"),
    (Broken("error", Reply("In a closed tin [1]. Not in"), after=6, message=f"full {KEY}"), "it reported an error"),
    (Broken("garbage", Reply("In a closed tin [1]. Not in"), after=6), "no chat completion"),
    (Reply("In a closed tin [1]. Not", finish_reason=None), "the reply broke off (no finish_reason)"),
    (Reply("In a closed tin [1]. Not", finish_reason="length"), "raise the entry's `max_tokens`"),
    (Reply("In a closed tin [1]. Not", finish_reason="content_filter"), "the provider's content filter cut it off"),
    (Reply("In a closed tin [1]. Not", finish_reason="weariness"), "it ended before its time"),
]


@pytest.mark.parametrize(("fault", "reason"), BROKEN_OFF)
@every_way
def test_what_has_arrived_is_kept_and_marked(
    build: Build, servers: tuple[ChatServer, ChatServer], ask: Callable[[Chain], Any], fault: Script, reason: str
) -> None:
    servers[0].script(fault)

    answer = ask(build("second", fault=fault))

    assert reason in answer["incomplete"]
    assert answer["incomplete"].isprintable()
    assert KEY not in str(answer)
    assert answer["answer"] == "In a closed tin [1]. Not"
    assert (answer["llm"], answer["refused"], answer["notices"]) == ("first", False, [])
    assert [citation["slug"] for citation in answer["citations"]] == ["where-is-tea-stored"]
    assert answer["uncited"] == [], "the source of the last statement may be what is missing"
    assert servers[1].requests == []


def test_a_statement_that_is_whole_is_checked_though_the_answer_is_not(build: Build, server: ChatServer) -> None:
    server.script(Reply("Milk is extra. In a closed tin [1]. It is not [9]. Per", finish_reason="length"))

    answer = build().invoke(QUESTION)

    assert [each["text"] for each in answer["uncited"]] == ["Milk is extra.", "It is not [9?]."]
    assert answer["unknown_citations"] == [9]


def test_a_reason_that_is_said_twice_is_one(build: Build, server: ChatServer) -> None:
    server.script(Reply(ANSWER, finish_reason="stopstop"))

    assert build().invoke(QUESTION)["incomplete"] is None


@pytest.mark.parametrize("mode", ["strict", "labelled"])
def test_what_is_cut_off_is_no_refusal(build: Build, server: ChatServer, mode: str) -> None:
    server.script(Reply(REFUSAL, finish_reason="length"), Reply(REFUSAL))
    chain = build(mode=mode)

    cut, whole = chain.invoke(QUESTION), chain.invoke(QUESTION)

    assert (cut["refused"], cut["answer"]) == (False, REFUSAL)
    assert cut["incomplete"]
    assert (whole["refused"], whole["incomplete"]) == (True, None)


@every_way
def test_the_notice_stands_above_what_is_cut_off(build: Build, server: ChatServer, ask: Callable[..., Any]) -> None:
    server.script(Broken("cut", Reply(f"{REFUSAL} But Vesuvius did."), after=len(REFUSAL.split())))

    answer = ask(build(mode="labelled"), ELSEWHERE)

    assert answer["answer"] == f"Not from the documents:\n\n{REFUSAL}"
    assert (answer["own_knowledge"], answer["refused"]) == (True, False)
    assert answer["incomplete"]


def test_tokens_of_what_failed_are_counted_where_they_are_known(
    build: Build, server: ChatServer, second: ChatServer
) -> None:
    reported = Reply("", reasoning="Hm.", usage=Usage(prompt=100, completion=9))
    server.script(reported, Failure.of(503, "busy"), Broken("cut", Reply("x", reasoning="a b c"), after=2))
    chain = build("second")

    counted, refused, unknown = (chain.invoke(QUESTION)["usage"] for _ in range(3))

    assert (counted["input_tokens"], counted["output_tokens"]) == (111, 16)
    assert (refused["input_tokens"], refused["output_tokens"]) == (11, 7)
    assert (unknown["input_tokens"], unknown["output_tokens"]) == (None, None)


@every_way
def test_a_follow_up_is_condensed_by_the_one_that_answers(
    build: Build, server: ChatServer, second: ChatServer, ask: Callable[..., Any]
) -> None:
    server.script(Failure.of(503, "busy"))
    second.script(Reply("With how many grams of coffee is espresso made?"), Reply("18 [1]."))

    answer = ask(build("second"), FOLLOW_UP)

    assert (answer["answer"], answer["llm"]) == ("18 [1].", "second")
    assert answer["search"] == "With how many grams of coffee is espresso made?"
    (notice,) = answer["notices"]
    assert notice.startswith("model 'first' at ")
    assert (len(server.requests), len(second.requests)) == (1, 2), "who has failed once is not asked again"


@every_way
def test_without_a_model_a_follow_up_is_searched_with_the_question_before_it(
    build: Build, server: ChatServer, ask: Callable[..., Any]
) -> None:
    server.script(Drop())

    answer = ask(build("keyless", "offline"), FOLLOW_UP)

    assert answer["search"] == "How is espresso made?\nWith how many grams?"
    assert answer["answer"].startswith(PREAMBLE)
    assert [notice.split(" ")[1] for notice in answer["notices"]] == ["'first'", "'keyless'", "model"]
    assert len(server.requests) == 1


def test_where_all_fail_over_two_steps_the_first_failure_is_raised(
    build: Build, server: ChatServer, second: ChatServer
) -> None:
    server.script(Failure.of(402, "pay"))
    second.script(Reply("How is espresso made?"), Failure.of(500, "oops"))

    with pytest.raises(AskmdError, match=r"model 'first' at \S+ 402.*; and model 'second' at \S+ 500"):
        build("second").invoke(FOLLOW_UP)


def test_a_caller_that_leaves_ends_the_request(build: Build, server: ChatServer) -> None:
    chain = build("second")

    async def leave() -> None:
        begun = asyncio.Event()

        async def listen() -> None:
            async for piece in chain.astream(QUESTION):
                if "answer" in piece:
                    begun.set()

        listening = asyncio.create_task(listen())
        await begun.wait()
        listening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await listening

    long = Reply("word " * 1_000, delay=0.02)
    server.script(long, long)
    asyncio.run(leave())
    assert server.wait_for_disconnect()

    server.disconnected.clear()
    pieces: Any = chain.stream(QUESTION)
    while "answer" not in next(pieces):
        pass
    pieces.close()
    assert server.wait_for_disconnect()


def test_failures_that_an_answer_survives_are_worded_for_the_reader(
    store: Store, server: ChatServer, second: ChatServer
) -> None:
    models = {
        "first": {"base_url": server.base_url, "model": "m-1", "max_retries": 0},
        "second": {"base_url": second.base_url, "model": "m-2", "max_retries": 0},
    }
    settings = Settings(llm="first", fallbacks=("second",), models=models, k=3)
    server.script(Failure.of(500, "node 10.0.0.7 is down"))
    second.script(Broken("cut", Reply(ANSWER), after=6))

    answer = compose(Resources(settings, store, tell=public_text)).invoke(QUESTION)

    assert answer["notices"] == ["model 'first': it has failed; 'second' takes its place"]
    assert answer["incomplete"] == "model 'second': its reply broke off"

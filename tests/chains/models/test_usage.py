"""What an answer took: tokens as the provider reported them, and what they cost."""

import asyncio
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable

from askmd.costs import usage_line
from chains.models.usage import reported, total
from chains.rag import build_chain
from chains.schema import Usage as AnswerUsage
from config.models import load_models
from config.settings import Settings
from store.collection import Store
from tests.support.chat_replies import Reply, Usage
from tests.support.chat_server import ChatServer
from tests.support.prefix_cache import TOKEN_CHARS, PrefixCache, prompt_of

QUESTION = "Where is tea stored?"
OTHER = "How is espresso made?"


@pytest.fixture
def chain(store: Store, server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> Runnable[Any, Any]:
    return build(store, server, monkeypatch)


def build(store: Store, server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> Runnable[Any, Any]:
    """A chain with an entry for each way to tell a cost; all lead to the scripted server."""
    monkeypatch.setenv("DEEPSEEK_API_KEY", "sk-deep")
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-or")
    priced = {"input": 1.0, "output": 2.0, "checked": "2026-01-02"}
    models = {
        "deepseek": {"base_url": server.root_url},
        "openrouter": {"base_url": server.base_url},
        "local": {"base_url": server.base_url},
        "plain": {"base_url": server.base_url, "model": "m", "prices": priced},
        "both": {"base_url": server.base_url, "model": "m", "prices": priced, "states_cost": True},
    }
    return build_chain(Settings(models=models, k=1), store)


def ask(chain: Runnable[Any, Any], way: str, llm: str) -> AnswerUsage:
    """Give the usage of an answer that came whole or streamed, sync or async."""
    config: Any = {"configurable": {"llm": llm}}

    async def collect() -> list[Any]:
        return [piece async for piece in chain.astream(QUESTION, config=config)]

    answer: Any
    match way:
        case "invoke":
            answer = chain.invoke(QUESTION, config=config)
        case "ainvoke":
            answer = asyncio.run(chain.ainvoke(QUESTION, config=config))
        case "stream":
            answer = list(chain.stream(QUESTION, config=config))[-1]
        case _:
            answer = asyncio.run(collect())[-1]
    usage: AnswerUsage = answer["usage"]
    return usage


every_way = pytest.mark.parametrize("way", ["invoke", "ainvoke", "stream", "astream"])
OPENAI_DETAILS = {"prompt_tokens_details": {"cached_tokens": 60}, "completion_tokens_details": {"reasoning_tokens": 4}}


@every_way
def test_deepseeks_cache_and_thinking_are_counted_and_priced(
    chain: Runnable[Any, Any], server: ChatServer, way: str
) -> None:
    server.script(Reply(usage=Usage(prompt=100, completion=9, cached=64, reasoning=4)))

    assert ask(chain, way, "deepseek") == {
        "calls": 1,
        "input_tokens": 100,
        "cached_input_tokens": 64,
        "output_tokens": 9,
        "reasoning_tokens": 4,
        "cost": pytest.approx((36 * 0.14 + 64 * 0.0028 + 9 * 0.28) / 1e6),
        "prices_checked": "2026-11-22",
    }


@every_way
def test_openrouter_states_its_cost(chain: Runnable[Any, Any], server: ChatServer, way: str) -> None:
    server.script(Reply(usage=Usage(prompt=100, completion=9, others={**OPENAI_DETAILS, "cost": 0.00121})))

    assert ask(chain, way, "openrouter") == {
        "calls": 1,
        "input_tokens": 100,
        "cached_input_tokens": 60,
        "output_tokens": 9,
        "reasoning_tokens": 4,
        "cost": 0.00121,
        "prices_checked": None,
    }


def test_a_stated_cost_is_taken_in_place_of_the_computed_one(chain: Runnable[Any, Any], server: ChatServer) -> None:
    server.script(Reply(usage=Usage(others={"cost": 0.5})), Reply(usage=Usage(prompt=1000, completion=500)))

    stated = ask(chain, "invoke", "both")
    computed = ask(chain, "invoke", "both")

    assert (stated["cost"], stated["prices_checked"]) == (0.5, None)
    assert (computed["cost"], computed["prices_checked"]) == (0.002, "2026-01-02")


def test_a_cost_in_no_known_currency_is_not_taken(chain: Runnable[Any, Any], server: ChatServer) -> None:
    server.script(Reply(usage=Usage(others={"cost": 0.5})), Reply(usage=Usage(others={"cost": 0.5})))

    assert ask(chain, "invoke", "local")["cost"] is None
    assert ask(chain, "invoke", "plain")["cost"] == pytest.approx((11 * 1 + 7 * 2) / 1e6)


@pytest.mark.parametrize(
    ("llm", "usage"),
    [
        ("local", Usage(prompt=100, completion=9, cached=64)),  # no prices
        ("deepseek", Usage(prompt=100, completion=9)),  # cached tokens are cheaper, and it is not said how many
        ("plain", Usage(prompt=100, completion=9, cached=64)),  # cached tokens, and no price for them
        ("plain", Usage(prompt=100, completion=9, others={"total_tokens": 309})),  # 200 more, of what kind?
    ],
)
def test_a_cost_that_cannot_be_told_is_unknown(
    chain: Runnable[Any, Any], server: ChatServer, llm: str, usage: Usage
) -> None:
    server.script(Reply(usage=usage))

    answered = ask(chain, "invoke", llm)

    assert (answered["input_tokens"], answered["output_tokens"]) == (100, 9)
    assert (answered["cost"], answered["prices_checked"]) == (None, None)


@every_way
def test_a_provider_that_says_nothing_leaves_everything_unknown(
    chain: Runnable[Any, Any], server: ChatServer, way: str
) -> None:
    server.script(Reply(usage=None))

    usage = dict(ask(chain, way, "deepseek"))

    assert usage.pop("calls") == 1
    assert set(usage.values()) == {None}


def test_half_a_report_is_not_filled_up_with_zeros(chain: Runnable[Any, Any], server: ChatServer) -> None:
    server.script(Reply(usage=Usage(others={"prompt_tokens": None, "total_tokens": None})))

    usage = ask(chain, "invoke", "plain")

    assert (usage["input_tokens"], usage["output_tokens"], usage["cost"]) == (None, 7, None)


def test_of_several_reports_in_a_stream_the_last_one_holds() -> None:
    spec = load_models({})["deepseek"]
    reports = [{"prompt_tokens": 100, "completion_tokens": n, "prompt_cache_hit_tokens": 0} for n in (3, 9)]

    usage = reported(AIMessage("x", response_metadata={"usage_reports": reports}), spec)

    assert (usage["input_tokens"], usage["output_tokens"]) == (100, 9)


def test_models_of_other_libraries_report_as_langchain_does() -> None:
    spec = load_models({})["deepseek"]
    message = AIMessage(
        "x",
        usage_metadata={
            "input_tokens": 100,
            "output_tokens": 9,
            "total_tokens": 109,
            "input_token_details": {"cache_read": 64},
            "output_token_details": {"reasoning": 4},
        },
    )

    usage = reported(message, spec)

    assert (usage["input_tokens"], usage["cached_input_tokens"]) == (100, 64)
    assert (usage["output_tokens"], usage["reasoning_tokens"]) == (9, 4)
    assert usage["cost"] == pytest.approx((36 * 0.14 + 64 * 0.0028 + 9 * 0.28) / 1e6)


def test_a_sum_is_known_if_each_call_is_and_dated_by_the_oldest_price() -> None:
    new = AnswerUsage(
        calls=1,
        input_tokens=10,
        cached_input_tokens=None,
        output_tokens=5,
        reasoning_tokens=0,
        cost=0.1,
        prices_checked="2026-11-22",
    )
    old: AnswerUsage = {**new, "cost": 0.2, "prices_checked": "2025-12-31"}
    free: AnswerUsage = {**new, "cost": None, "prices_checked": None}

    assert total([new, old]) == {
        **new,
        "calls": 2,
        "input_tokens": 20,
        "output_tokens": 10,
        "cost": 0.3,
        "prices_checked": "2025-12-31",
    }
    assert (total([new, free])["cost"], total([new, free])["prices_checked"]) == (None, None)
    assert (total([])["calls"], total([])["cost"]) == (0, 0)


# What the provider's prefix cache finds


def test_two_questions_share_all_that_does_not_hang_on_them(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with ChatServer(default=PrefixCache()) as server:
        chain = build(store, server, monkeypatch)
        first = chain.invoke(QUESTION)
        second = chain.invoke(OTHER)

        one, two = (prompt_of(request) for request in server.requests)
    system = server.requests[0].messages[0]
    constant = f'"system"{system["content"]}"user"<passages>\n<passage n="1" source="'
    assert system["role"] == "system"
    assert QUESTION not in constant
    assert one.startswith(constant)
    assert two.startswith(constant)
    assert first["usage"]["cached_input_tokens"] == 0
    cached = second["usage"]["cached_input_tokens"]
    assert cached >= len(constant) // TOKEN_CHARS > 200
    fresh = len(two) // TOKEN_CHARS - cached
    assert second["usage"]["cost"] == pytest.approx((fresh * 0.14 + cached * 0.0028 + 9 * 0.28) / 1e6)
    assert second["usage"]["cost"] < (len(two) // TOKEN_CHARS * 0.14 + 9 * 0.28) / 1e6


def test_two_questions_with_the_same_passages_share_these_too(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with ChatServer(default=PrefixCache()) as server:
        chain = build(store, server, monkeypatch)
        answers = [chain.invoke(asked) for asked in (QUESTION, "Where are loose tea leaves stored?")]

        prompt = prompt_of(server.requests[1])
    assert answers[0]["sources"][0]["id"] == answers[1]["sources"][0]["id"]
    shared = prompt.partition("</passages>\n\n<question>\n")
    assert shared[1]
    assert answers[1]["usage"]["cached_input_tokens"] >= len("".join(shared[:2])) // TOKEN_CHARS


def test_a_conversation_shares_its_beginning_whatever_the_languages_of_its_questions(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = [("user", QUESTION), ("assistant", "In a closed tin [1].")]
    later = [*said, ("user", "HNSW?"), ("assistant", "No.")]
    with ChatServer(default=PrefixCache(Reply("Wie lange zieht grüner Tee?"))) as server:
        chain = build(store, server, monkeypatch)
        chain.invoke({"question": "HNSW?", "chat_history": said})
        chain.invoke({"question": "Wie lange zieht grüner Tee?", "chat_history": later})

        _, one, _, two = (prompt_of(request) for request in server.requests)
    beginning = one.rpartition('"user"')[0]
    assert beginning.endswith('"assistant"In a closed tin [1].')
    assert two.startswith(beginning)


# How it is shown


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "tokens: 1,204 in (1,024 cached), 85 out (40 thinking); cost: $0.000052 (prices of 2026-11-22)"),
        ({"prices_checked": None}, "tokens: 1,204 in (1,024 cached), 85 out (40 thinking); "
         "cost: $0.000052 (stated by the provider)"),
        ({"cached_input_tokens": None, "reasoning_tokens": None, "cost": None, "prices_checked": None},
         "tokens: 1,204 in, 85 out; cost: unknown"),
        ({"output_tokens": None, "reasoning_tokens": None, "cost": None},
         "tokens: 1,204 in (1,024 cached), unknown out; cost: unknown"),
        ({"input_tokens": None, "output_tokens": None, "cost": None}, "tokens: unknown; cost: unknown"),
    ],
)  # fmt: skip
def test_usage_in_a_line(changes: Any, line: str) -> None:
    usage = AnswerUsage(
        calls=1,
        input_tokens=1204,
        cached_input_tokens=1024,
        output_tokens=85,
        reasoning_tokens=40,
        cost=0.0000521,
        prices_checked="2026-11-22",
    )
    assert usage_line({**usage, **changes}) == line

"""The thinking of a model comes by itself: it is no part of the answer, nor of what is sent afterwards."""

import asyncio
from typing import Any

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage
from langchain_core.runnables import Runnable

from chains.choice import choose
from chains.models.thinking import thinking_of, without_thinking
from chains.prompting.prompts import load_prompts
from chains.rag import build_chain
from config.errors import ModelError
from config.models import load_models
from config.settings import Settings
from store.collection import Store
from tests.support.chat_replies import Reply
from tests.support.chat_server import ChatServer

QUESTION = "Where is tea stored?"
THOUGHT = "The passage [1] says “in a sealed jar nobody owns” [7]. Hm."
THINKING = Reply("In a closed tin [1].", reasoning=THOUGHT)


@pytest.fixture
def chain(store: Store, server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> Runnable[Any, Any]:
    monkeypatch.setenv("DEEPSEEK_API_KEY", "sk-deep")
    models = {"deepseek-thinking": {"base_url": server.root_url, "max_retries": 0}}
    return build_chain(Settings(models=models, llm="deepseek-thinking", k=2), store)


def pieces_of(chain: Runnable[Any, Any], *, in_loop: bool) -> list[Any]:
    async def collect() -> list[Any]:
        return [piece async for piece in chain.astream(QUESTION)]

    return asyncio.run(collect()) if in_loop else list(chain.stream(QUESTION))


def test_thinking_is_a_field_of_its_own(chain: Runnable[Any, Any], server: ChatServer) -> None:
    server.script(THINKING)

    answer = chain.invoke(QUESTION)

    assert (answer["thinking"], answer["answer"]) == (THOUGHT, "In a closed tin [1].")


def test_without_thinking_the_field_is_empty(chain: Runnable[Any, Any]) -> None:
    assert chain.invoke(QUESTION)["thinking"] == ""
    assert chain.invoke(QUESTION, config={"configurable": {"llm": "offline"}})["thinking"] == ""


@pytest.mark.parametrize("in_loop", [False, True])
def test_thinking_is_streamed_as_its_own_kind_of_piece(
    chain: Runnable[Any, Any], server: ChatServer, in_loop: bool
) -> None:
    server.script(THINKING, THINKING)

    first, *pieces, last = pieces_of(chain, in_loop=in_loop)

    kinds = [next(iter(piece)) for piece in pieces]
    thoughts = [piece for piece in pieces if "thinking" in piece]
    assert "sources" in first
    assert set(kinds) == {"thinking", "answer"}
    assert kinds == sorted(kinds, reverse=True)
    assert len(thoughts) > 5
    assert {tuple(piece) for piece in thoughts} == {("thinking",)}
    assert "".join(piece["thinking"] for piece in thoughts) == THOUGHT
    whole = first
    for piece in [*pieces, last]:
        whole = whole + piece
    assert whole == chain.invoke(QUESTION)


def test_nothing_in_the_thinking_is_taken_for_the_answers(chain: Runnable[Any, Any], server: ChatServer) -> None:
    server.script(Reply("It is kept in a closed tin.", reasoning=THOUGHT))

    answer = chain.invoke(QUESTION)

    assert (answer["citations"], answer["cited"], answer["unknown_citations"]) == ([], [], [])
    assert answer["unsupported_quotes"] == []
    assert [statement["text"] for statement in answer["uncited"]] == ["It is kept in a closed tin."]


def test_a_refusal_that_is_only_thought_of_is_none(chain: Runnable[Any, Any], server: ChatServer) -> None:
    server.script(Reply("In a tin [1].", reasoning="The documents do not answer this question."))

    assert not chain.invoke(QUESTION)["refused"]


@pytest.mark.parametrize("reason", ["stop", "length"])
def test_thinking_without_an_answer_is_an_error(chain: Runnable[Any, Any], server: ChatServer, reason: str) -> None:
    server.script(*[Reply("", reasoning=THOUGHT, finish_reason=reason)] * 4)

    with pytest.raises(ModelError, match="empty"):
        chain.invoke(QUESTION)
    with pytest.raises(ModelError, match="empty"):
        asyncio.run(chain.ainvoke(QUESTION))
    for in_loop in (False, True):
        with pytest.raises(ModelError, match="empty"):
            pieces_of(chain, in_loop=in_loop)


def test_what_was_thought_before_the_error_is_streamed(chain: Runnable[Any, Any], server: ChatServer) -> None:
    server.script(Reply("", reasoning=THOUGHT))
    given: list[Any] = []

    with pytest.raises(ModelError, match="empty"):
        given.extend(chain.stream(QUESTION))  # what came before the error stays

    assert "".join(piece.get("thinking", "") for piece in given) == THOUGHT
    assert not any(piece.get("answer") for piece in given)


BEFORE = pytest.mark.parametrize(
    "before",
    [
        AIMessage("In a tin [1].", additional_kwargs={"reasoning_content": "secret thought"}),
        AIMessage([{"type": "reasoning", "reasoning": "secret thought"}, {"type": "text", "text": "In a tin [1]."}]),
        AIMessage([{"type": "thinking", "thinking": "secret thought"}, {"type": "text", "text": "In a tin [1]."}]),
        {"role": "assistant", "content": "In a tin [1].", "reasoning_content": "secret thought"},
        {"role": "assistant", "content": "In a tin [1].", "additional_kwargs": {"reasoning_content": "secret thought"}},
    ],
)


@BEFORE
def test_thinking_is_never_sent_back(chain: Runnable[Any, Any], server: ChatServer, before: Any) -> None:
    server.script(Reply("Where is green tea stored?", reasoning="a thought of condensing"), THINKING)

    answer = chain.invoke({"question": "And green tea?", "chat_history": [HumanMessage(QUESTION), before]})

    assert len(server.requests) == 2
    for request in server.requests:
        assert "In a tin [1]." in str(request.body["messages"])
        assert "thought" not in str(request.body["messages"])
        assert "reasoning" not in str(request.body["messages"])
    assert answer["search"] == "Where is green tea stored?"
    assert answer["thinking"] == THOUGHT


@BEFORE
def test_no_step_of_the_chain_sees_earlier_thinking(before: Any) -> None:
    step = choose(Settings(), load_models({}), load_prompts())

    (message,) = step.invoke({"question": "And green tea?", "chat_history": [before]})["chat_history"]

    assert message.text == "In a tin [1]."
    assert "thought" not in repr(message)


def test_thinking_does_not_wait_for_a_notice_that_comes_first(chain: Runnable[Any, Any], server: ChatServer) -> None:
    server.script(Reply("A volcano.", reasoning=THOUGHT))
    asked = {"question": QUESTION, "filter": {"path": "nowhere/*"}}

    pieces = list(chain.stream(asked, config={"configurable": {"mode": "labelled"}}))

    thoughts = [piece["thinking"] for piece in pieces if piece.get("thinking")]
    assert len(thoughts) > 5
    assert "".join(thoughts) == THOUGHT
    assert "".join(piece.get("answer", "") for piece in pieces) == "Not from the documents:\n\nA volcano."


def test_thinking_of_other_libraries_is_found_in_blocks() -> None:
    parts: list[Any] = [{"type": "thinking", "thinking": "Hm. "}, {"type": "text", "text": "Tea."}]
    message = AIMessage(parts, response_metadata={"model_provider": "anthropic"})
    piece = AIMessageChunk(content=[{"type": "reasoning", "reasoning": "Hm."}])

    assert (thinking_of(message), thinking_of(piece), thinking_of(AIMessage("Tea."))) == ("Hm. ", "Hm.", "")
    assert without_thinking(message).content == [{"type": "text", "text": "Tea."}]
    assert without_thinking(HumanMessage("Hm.")) == HumanMessage("Hm.")

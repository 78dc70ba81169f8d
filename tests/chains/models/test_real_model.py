"""The whole chain with a real model behind a real llama.cpp server: it is asked, and its words are not judged."""

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
from langchain_core.runnables import Runnable

from askmd.reaching import check_models
from chains.rag import build_chain
from config.settings import Settings
from store.collection import Store
from tests.support.llama_server import SLOTS, LlamaServer, reason_to_skip

pytestmark = [
    pytest.mark.llm,
    pytest.mark.skipif(bool(reason_to_skip()), reason=reason_to_skip()),
]

QUESTION = "How long does green tea steep?"
TOKENS = 12
ENDLESS = 7_000
"""Tokens of an answer that would take minutes."""


@pytest.fixture(scope="module")
def llama() -> Iterator[LlamaServer]:
    with LlamaServer() as server:
        yield server


Open = Callable[..., Runnable[Any, Any]]


@pytest.fixture
def open_chain(store: Store, llama: LlamaServer) -> Open:
    def open_(tokens: int = TOKENS) -> Runnable[Any, Any]:
        entry = {"base_url": llama.base_url, "max_tokens": tokens, "extra_body": {"ignore_eos": True}}
        return build_chain(
            Settings(llm="local", prompt="tutorial", k=1, gate=0, passage_chars=0, models={"local": entry}), store
        )

    return open_


def check(answer: Any) -> None:
    assert answer["answer"].strip()
    assert (answer["llm"], answer["finish_reason"]) == ("local", "length")
    assert answer["sources"]
    assert answer["usage"]["output_tokens"] == TOKENS
    assert answer["usage"]["input_tokens"] > 50


def test_plain(open_chain: Open) -> None:
    check(open_chain().invoke(QUESTION))


def test_async(open_chain: Open) -> None:
    check(asyncio.run(open_chain().ainvoke(QUESTION)))


def joined(pieces: list[Any]) -> Any:
    whole = pieces[0]
    for piece in pieces[1:]:
        whole = whole + piece
    return whole


def test_streamed(open_chain: Open) -> None:
    pieces = list(open_chain().stream(QUESTION))
    check(joined(pieces))
    assert sum("answer" in piece for piece in pieces) > 2


def test_streamed_async(open_chain: Open) -> None:
    async def collect() -> list[Any]:
        return [piece async for piece in open_chain().astream(QUESTION)]

    pieces = asyncio.run(collect())
    check(joined(pieces))
    assert sum("answer" in piece for piece in pieces) > 2


def test_eight_questions_at_once(open_chain: Open) -> None:
    answers = open_chain().batch([f"{QUESTION} ({n})" for n in range(8)])
    assert [answer["question"][-2] for answer in answers] == list("01234567")
    for answer in answers:
        check(answer)


def test_its_list_of_models_is_understood(llama: LlamaServer) -> None:
    reach = check_models(Settings(models={"local": {"base_url": llama.base_url}}), ["local"])["local"]
    assert (reach.usable, reach.text) == (True, "reachable, serves smollm2")


def busy(llama: LlamaServer) -> int:
    """How many questions the server is answering."""
    slots = httpx2.get(f"{llama.base_url.removesuffix('/v1')}/slots").json()
    assert len(slots) == SLOTS
    return sum(slot["is_processing"] for slot in slots)


def leave(chain: Runnable[Any, Any], seen: Callable[[], None]) -> None:
    pieces = chain.stream(QUESTION)
    next(piece for piece in pieces if piece.get("answer"))
    seen()
    pieces.close()  # type: ignore[attr-defined]


def leave_async(chain: Runnable[Any, Any], seen: Callable[[], None]) -> None:
    async def read(begun: asyncio.Event) -> None:
        async for piece in chain.astream(QUESTION):
            if piece.get("answer"):
                begun.set()

    async def cancel() -> None:
        begun = asyncio.Event()
        task = asyncio.create_task(read(begun))
        await begun.wait()
        seen()
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(cancel())


@pytest.mark.parametrize("leaving", [leave, leave_async])
def test_who_leaves_in_mid_stream_frees_the_server(leaving: Any, open_chain: Open, llama: LlamaServer) -> None:
    answering = []
    leaving(open_chain(ENDLESS), lambda: answering.append(busy(llama)))
    assert answering == [1]

    end = time.monotonic() + 20
    while busy(llama) and time.monotonic() < end:
        time.sleep(0.05)
    assert not busy(llama)
    check(open_chain().invoke(QUESTION))

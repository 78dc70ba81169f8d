"""Who stops reading a stream stops the model."""

from collections.abc import Iterator
from typing import Any

from langchain_core.runnables import RunnableGenerator

from chains.leaving import LeavableGenerator
from chains.rag import build_chain
from config.settings import Settings
from store.milvus import Store
from tests.support.chat_replies import Reply
from tests.support.chat_server import ChatServer


def test_leaving_the_stream_of_a_chain_ends_the_request(store: Store) -> None:
    with ChatServer(Reply("word " * 3000, delay=0.02)) as server:
        entry = {"base_url": server.base_url}
        chain = build_chain(Settings(llm="local", gate=0, models={"local": entry}), store)
        pieces = chain.stream("How long does green tea steep?")
        next(piece for piece in pieces if piece.get("answer"))
        pieces.close()  # type: ignore[attr-defined]
        assert server.wait_for_disconnect()


def as_it_is(pieces: Iterator[Any]) -> Iterator[Any]:
    yield from pieces


def test_a_stream_that_is_left_reads_no_further() -> None:
    read = []

    def write(_: Iterator[Any]) -> Iterator[int]:
        for number in range(100):
            read.append(number)
            yield number

    stream = (RunnableGenerator(write) | LeavableGenerator(as_it_is)).stream("go")
    assert next(stream) == 0
    stream.close()  # type: ignore[attr-defined]
    assert len(read) < 5


def test_a_stream_that_is_read_to_its_end_is_whole() -> None:
    assert list(LeavableGenerator(as_it_is).transform(iter("abc"))) == ["a", "b", "c"]

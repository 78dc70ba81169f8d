"""Limits of an entry: how long, how many at once; and who leaves ends the request."""

import asyncio
import gc
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel

from chains.models.openai_errors import ChatFailure
from chains.models.slots import Slots
from chains.models.tokens_seen import TokensSeen, says_something
from tests.support.chat_calls import PROMPT, Call, astream, every_way, invoke, open_model, stream, streamed
from tests.support.chat_replies import Broken, Failure, Hang, Reply, Script
from tests.support.chat_server import ChatServer, Request

LONG = "word " * 5000


def failure(call: Call, model: BaseChatModel) -> tuple[ChatFailure, float]:
    started = time.monotonic()
    with pytest.raises(ChatFailure) as caught:
        call(model)
    return caught.value, time.monotonic() - started


# How long


@pytest.mark.parametrize("script", [Hang(), Broken("stall", after=0), Broken("comments", after=0)])
@streamed
def test_the_first_token_has_a_limit_of_its_own(call: Call, script: Script) -> None:
    with ChatServer(script) as server:
        error, seconds = failure(call, open_model(server, first_token_timeout=0.4))
    assert (error.kind, seconds < 10) == ("timeout", True)
    assert "no first token arrived for 0.4 s" in str(error)
    assert "`first_token_timeout`" in str(error)


@pytest.mark.parametrize("how", ["stall", "comments"])
@streamed
def test_so_have_the_others(call: Call, how: Any) -> None:
    with ChatServer(Broken(how, after=2)) as server:
        error, seconds = failure(call, open_model(server, timeout=0.4, first_token_timeout=30))
    assert (error.kind, seconds < 10) == ("timeout", True)
    assert "no further token arrived for 0.4 s" in str(error)


@streamed
def test_a_slow_first_token_is_waited_for(call: Call) -> None:
    with ChatServer(Reply("one two", comments=8, delay=0.25)) as server:
        assert call(open_model(server, timeout=1.8, first_token_timeout=60)).content == "one two"


@streamed
def test_thinking_is_tokens_too(call: Call) -> None:
    with ChatServer(Reply("So.", reasoning="one two three four five six seven eight", delay=0.25)) as server:
        assert call(open_model(server, timeout=1.8)).content == "So."


@streamed
def test_a_whole_answer_has_a_limit(call: Call) -> None:
    with ChatServer(Reply(LONG, delay=0.02)) as server:
        error, seconds = failure(call, open_model(server, answer_timeout=0.6))
        assert server.wait_for_disconnect()
    assert (error.kind, seconds < 20) == ("timeout", True)
    assert "the answer was not whole after 0.6 s" in str(error)
    assert "`answer_timeout`" in str(error)


@every_way
def test_a_whole_answer_has_a_limit_before_it_begins(call: Call) -> None:
    with ChatServer(default=Hang()) as server:
        error, seconds = failure(call, open_model(server, answer_timeout=0.4, max_retries=9))
    assert (error.kind, seconds < 10) == ("timeout", True)


@every_way
def test_a_connection_has_a_limit(call: Call) -> None:
    """A listener whose backlog is full lets others wait; where it refuses them instead, that is the other kind."""
    with ChatServer() as server, socket.create_server(("127.0.0.1", 0), backlog=0) as listener, ExitStack() as stack:
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        error, seconds = failure(call, open_model(server, base_url=url, connect_timeout=0.4))
    assert error.kind in {"timeout", "connection"}
    assert error.kind == "connection" or "no connection within 0.4 s" in str(error)
    assert seconds < 10


def test_time_that_the_reader_takes_is_not_the_servers() -> None:
    with ChatServer(Reply("one")) as server:
        text = ""
        for chunk in open_model(server, timeout=1).stream(PROMPT):
            text += str(chunk.content)
            time.sleep(1.2)
    assert text == "one"


def test_the_whole_answer_includes_time_that_the_reader_takes() -> None:
    with ChatServer(Reply("one two three", delay=0.1)) as server:
        chunks = open_model(server, answer_timeout=1.5).stream(PROMPT)
        next(chunks)
        time.sleep(1.6)
        with pytest.raises(ChatFailure, match="not whole after 1.5 s"):
            list(chunks)


# What is a token


@pytest.mark.parametrize(
    ("event", "something"),
    [
        (b'{"choices": [{"delta": {"role": "assistant", "content": ""}, "finish_reason": null}]}', False),
        (b'{"choices": [{"delta": {"role": "assistant", "content": null}}]}', False),
        (b'{"choices": []}', False),
        (b'{"choices": [{"delta": {"content": "a"}}]}', True),
        (b'{"choices": [{"delta": {"reasoning_content": "a"}}]}', True),
        (b'{"choices": [{"delta": {"tool_calls": [{"index": 0}]}}]}', True),
        (b'{"choices": [{"delta": {}, "finish_reason": "stop"}]}', True),
        (b'{"error": {"message": "no"}}', True),
        (b" [DONE]", True),
        (b"{", True),
        (b"[1]", True),
    ],
)
def test_an_event_says_something(event: bytes, something: bool) -> None:
    assert says_something(event) is something


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_tokens_are_seen_however_the_bytes_are_cut(size: int) -> None:
    stream = b': hi\n\ndata: {"choices": [{"delta": {"role": "a"}}]}\n\n: hi\n\ndata: {"choices": [{"delta": {"content": "a"}}]}\n\n: hi\n\ndata: [DONE]\n\n'
    seen = TokensSeen(1000, streamed=True)
    tokens = [seen.read(stream[start : start + size]) for start in range(0, len(stream), size)]
    assert sum(tokens) == (2 if size < 1000 else 1)


# How many at once


def most_at_once(server_default: Callable[[Request], Script], use: Callable[[BaseChatModel], None], limit: int) -> int:
    """Count the requests that the server has under way at the same time."""
    lock, now, most = threading.Lock(), 0, 0

    def reply(request: Request) -> Script:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.1)
        with lock:
            now -= 1
        return server_default(request)

    with ChatServer(default=reply) as server:
        use(open_model(server, max_concurrency=limit))
        assert len(server.requests) == 12
    return most


def in_threads(model: BaseChatModel) -> None:
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(lambda _: invoke(model), range(12)))


def in_tasks(model: BaseChatModel) -> None:
    async def ask() -> None:
        await asyncio.gather(*(model.ainvoke(PROMPT) for _ in range(12)))

    asyncio.run(ask())


def in_both(model: BaseChatModel) -> None:
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(lambda number: (stream if number % 2 else astream)(model), range(12)))


@pytest.mark.parametrize("use", [in_threads, in_tasks, in_both])
def test_only_so_many_requests_are_under_way(use: Callable[[BaseChatModel], None]) -> None:
    assert most_at_once(lambda _: Reply(), use, limit=3) == 3


@pytest.mark.parametrize("script", [Failure.of(400, "no"), Broken("reset"), Broken("garbage"), Hang(), Reply("")])
@every_way
def test_a_failed_call_gives_its_slot_back(call: Call, script: Script) -> None:
    with ChatServer(script, Reply("There.")) as server:
        model = open_model(server, max_concurrency=1, timeout=1.5 if isinstance(script, Hang) else 60)
        failure(call, model)
        assert call(model).content == "There."


@pytest.mark.parametrize("way", ["sync", "async"])
def test_an_abandoned_stream_gives_its_slot_back(way: str) -> None:
    async def leave(model: BaseChatModel) -> None:
        async for _ in model.astream(PROMPT):
            break

    with ChatServer(Reply(LONG, delay=0.01), Reply("There.")) as server:
        model = open_model(server, max_concurrency=1)
        if way == "async":
            asyncio.run(leave(model))
        else:
            for _ in model.stream(PROMPT):
                break
        gc.collect()
        assert invoke(model).content == "There."
        assert server.wait_for_disconnect()


def test_a_cancelled_task_gives_its_slot_and_its_place_back() -> None:
    async def cancel(model: BaseChatModel) -> None:
        tasks = [asyncio.create_task(model.ainvoke(PROMPT)) for _ in range(3)]
        while not server.requests:
            await asyncio.sleep(0.02)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

    with ChatServer(Hang(), Reply("There.")) as server:
        model = open_model(server, max_concurrency=1)
        asyncio.run(cancel(model))
        assert server.wait_for_disconnect()
        assert invoke(model).content == "There."
        assert len(server.requests) == 2


@pytest.mark.parametrize("way", ["sync", "async"])
def test_who_waits_too_long_for_a_slot_is_told(way: str) -> None:
    call = invoke if way == "sync" else astream
    with ChatServer(Reply(LONG, delay=0.01)) as server:
        model = open_model(server, max_concurrency=1, answer_timeout=1.5)
        held = model.stream(PROMPT)
        next(held)
        error, seconds = failure(call, model)
        assert (error.kind, error.attempts, seconds < 10) == ("busy", 0, True)
        assert "at once (1)" in str(error)
        assert "`max_concurrency`" in str(error)
        held.close()  # type: ignore[attr-defined]


def test_slots_are_neither_lost_nor_made_under_load() -> None:
    slots = Slots(4)

    def work(number: int) -> None:
        place = slots.ask()
        with suppress(TimeoutError):
            place.wait(0.0001 if number % 3 else 10)
        place.leave()
        place.leave()

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(work, range(4000)))
    places = [slots.ask() for _ in range(5)]
    for place in places[:4]:
        place.wait(1)
    with pytest.raises(TimeoutError):
        places[4].wait(0.01)


# Leaving


def interrupt_when_asked(server: ChatServer) -> None:
    while not server.requests:
        time.sleep(0.02)
    time.sleep(0.1)  # the reply is under way too
    os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("script", [Hang(), Reply(LONG, delay=0.01), Broken("comments", after=0)])
@streamed
def test_ctrl_c_ends_the_request(call: Call, script: Script) -> None:
    with ChatServer(script) as server:
        interrupting = threading.Thread(target=interrupt_when_asked, args=(server,))
        interrupting.start()
        with pytest.raises(KeyboardInterrupt):
            call(open_model(server))
        interrupting.join()
        assert server.wait_for_disconnect()


def test_a_cancelled_stream_ends_the_request() -> None:
    async def cancel(model: BaseChatModel) -> None:
        async def read() -> None:
            async for _ in model.astream(PROMPT):
                begun.set()

        begun = asyncio.Event()
        reading = asyncio.create_task(read())
        await begun.wait()
        reading.cancel()
        await asyncio.wait([reading])

    with ChatServer(Reply(LONG, delay=0.01)) as server:
        asyncio.run(cancel(open_model(server)))
        assert server.wait_for_disconnect()


@pytest.mark.parametrize("way", ["sync", "async"])
def test_streams_share_a_connection(way: str) -> None:
    async def thrice(model: BaseChatModel) -> None:
        for _ in range(3):
            async for _ in model.astream(PROMPT):
                pass

    with ChatServer() as server:
        model = open_model(server)
        if way == "async":
            asyncio.run(thrice(model))
        else:
            for _ in range(3):
                stream(model)
        assert server.connections == 1

"""What is tried again, how often, when, and for how long at most."""

import socket
import ssl
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx2
import pytest

from chains.models.openai_errors import ChatFailure
from chains.models.retries import Attempts, backoff, may_pass, retry_after
from tests.support.chat_calls import Call, entry, every_way, invoke, open_model, stream, streamed
from tests.support.chat_replies import Broken, Drop, Failure, Hang, Reply, Script
from tests.support.chat_server import ChatServer

SOON = {"retry-after-ms": "1"}


def failure(call: Call, server: ChatServer, **changes: Any) -> ChatFailure:
    with pytest.raises(ChatFailure) as caught:
        call(open_model(server, **changes))
    return caught.value


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 529])
@every_way
def test_a_status_that_may_pass_is_tried_again(call: Call, status: int) -> None:
    with ChatServer(Failure.of(status, "busy", SOON), Failure.of(status, "busy", SOON), Reply("There.")) as server:
        assert call(open_model(server, max_retries=2)).content == "There."
        assert len(server.requests) == 3


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 413, 422])
@every_way
def test_a_status_that_will_not_pass_is_not_tried_again(call: Call, status: int) -> None:
    with ChatServer(default=Failure.of(status, "no", SOON)) as server:
        assert failure(call, server, max_retries=5).attempts == 1
        assert len(server.requests) == 1


@pytest.mark.parametrize("script", [Drop(), Hang()])
@every_way
def test_a_connection_that_is_lost_or_silent_is_tried_again(call: Call, script: Script) -> None:
    with ChatServer(script, Reply("There.")) as server:
        assert (
            call(open_model(server, max_retries=1, timeout=2 if isinstance(script, Hang) else 60)).content == "There."
        )
        assert len(server.requests) == 2


@every_way
def test_a_server_that_is_not_there_is_tried_again(call: Call) -> None:
    with ChatServer() as server:
        pass
    error = failure(call, server, max_retries=1)
    assert (error.kind, error.attempts) == ("connection", 2)
    assert "tried 2 times" in str(error)


@every_way
def test_the_number_of_attempts_is_bounded_and_told(call: Call) -> None:
    with ChatServer(default=Failure.of(503, "busy", SOON)) as server:
        error = failure(call, server, max_retries=3)
        assert len(server.requests) == error.attempts == 4
    assert "503, the server failed" in str(error)
    assert "tried 4 times" in str(error)


@pytest.mark.parametrize("after", [0, 2])
@pytest.mark.parametrize("how", ["stall", "reset", "error", "garbage", "cut"])
@streamed
def test_nothing_is_tried_again_once_a_reply_has_begun(call: Call, how: Any, after: int) -> None:
    with ChatServer(default=Broken(how, after=after)) as server:
        assert failure(call, server, max_retries=2, timeout=0.3 if how == "stall" else 60).attempts == 1
        assert len(server.requests) == 1


@pytest.mark.parametrize("form", ["seconds", "date"])
@every_way
def test_a_longer_wait_than_is_left_is_not_begun(call: Call, form: str) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=120), usegmt=True)
    header = {"Retry-After": "120" if form == "seconds" else date}
    with ChatServer(default=Failure.of(429, "slow down", header)) as server:
        started = time.monotonic()
        error = failure(call, server, max_retries=2)
        assert time.monotonic() - started < 10
        assert len(server.requests) == 1
    assert "longer than the entry's `retry_seconds` (30)" in str(error)


@every_way
def test_the_wait_that_a_server_asks_for_is_kept(call: Call) -> None:
    with ChatServer(Failure.of(429, "slow down", {"Retry-After": "1"}), Reply("There.")) as server:
        started = time.monotonic()
        assert call(open_model(server, max_retries=1)).content == "There."
        assert time.monotonic() - started >= 1


@every_way
def test_the_total_time_is_bounded(call: Call) -> None:
    with ChatServer(default=Failure.of(503, "busy")) as server:
        error = failure(call, server, max_retries=10, retry_seconds=1)
        assert 2 <= len(server.requests) == error.attempts <= 4  # pauses of 0.25 to 0.5 s, 0.5 to 1 s, ...


def test_no_retries_at_all() -> None:
    with ChatServer(default=Failure.of(503, "busy", SOON)) as server:
        assert "tried" not in str(failure(invoke, server, max_retries=0))
        assert "tried" not in str(failure(stream, server, max_retries=5, retry_seconds=0))
        assert len(server.requests) == 2


# The parts


def test_retry_after_in_all_its_forms() -> None:
    in_an_hour = datetime.now(UTC) + timedelta(hours=1)
    assert retry_after({}) is None
    assert retry_after({"retry-after": "soon"}) is None
    assert retry_after({"retry-after": "-3"}) is None
    assert retry_after({"retry-after": "7"}) == 7
    assert retry_after({"retry-after": "1.5"}) == 1.5
    assert retry_after({"retry-after-ms": "250", "retry-after": "7"}) == 0.25
    assert retry_after({"retry-after": format_datetime(in_an_hour, usegmt=True)}) == pytest.approx(3600, abs=60)
    assert retry_after({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0


def test_pauses_grow_differ_and_stay_bounded() -> None:
    for attempts, longest in [(1, 0.5), (2, 1), (3, 2), (20, 8)]:
        pauses = [backoff(attempts) for _ in range(50)]
        assert all(longest / 2 <= pause <= longest for pause in pauses)
        assert len(set(pauses)) > 1


@pytest.mark.parametrize(
    ("cause", "passes"),
    [
        (ConnectionRefusedError(), True),
        (socket.gaierror(socket.EAI_AGAIN, "try again"), True),
        (socket.gaierror(socket.EAI_NONAME, "unknown"), False),
        (ssl.SSLCertVerificationError("self-signed"), False),
    ],
)
def test_what_is_wrong_for_good_with_a_connection(cause: OSError, passes: bool) -> None:
    error = httpx2.ConnectError("no connection")
    error.__cause__ = cause
    assert may_pass(error) is passes


def test_a_used_up_quota_is_no_rate_limit() -> None:
    def response(content: bytes) -> httpx2.Response:
        return httpx2.Response(429, content=content)

    assert may_pass(response(b'{"error": {"code": "rate_limit_exceeded"}}'))
    assert may_pass(response(b"<html>"))
    assert may_pass(response(b"[]"))
    assert not may_pass(response(b'{"error": {"code": "insufficient_quota"}}'))
    assert not may_pass(response(b'{"error": {"type": "insufficient_quota"}}'))


def test_attempts_of_an_entry_without_retries() -> None:
    with ChatServer() as server:
        attempts = Attempts(entry(server, max_retries=0))
    attempts.made = 1
    assert attempts.pause(httpx2.ReadError("lost")) is None

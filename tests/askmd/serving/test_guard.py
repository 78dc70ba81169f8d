"""The limits of the server, and what a client is told when it meets one."""

import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest

from config.serving import ServingSettings
from ingest.pipeline import ingest
from tests.askmd.serving.guarded import KEY, QUESTION, post, settings
from tests.support.app_server import AppServer
from tests.support.chat_replies import Failure, Hang, Reply
from tests.support.chat_server import ChatServer
from tests.support.corpus import FILES
from tests.support.stores import write_files
from tests.support.waiting import wait_until

Serve = Callable[..., str]
ASK = {"input": QUESTION}
"""Any route that answers will do: all are behind the same guard."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("guarded")
    ingest(settings(folder / "s.db", "http://127.0.0.1:9"), write_files(folder / "handbook", FILES))
    return folder / "s.db"


@pytest.fixture
def chat() -> Iterator[ChatServer]:
    with ChatServer() as started:
        yield started


@pytest.fixture
def serve(store: Path, chat: ChatServer) -> Iterator[Serve]:
    """Starts an application with limits of the test's own; gives its address."""
    with ExitStack() as stack:

        def start(**limits: Any) -> str:
            serving = ServingSettings(**{"requests_per_minute": 1_000_000, **limits})
            return stack.enter_context(AppServer(settings(store, chat.root_url), serving)).url

        yield start


def ask(url: str) -> httpx2.Response:
    return httpx2.post(f"{url}/rag/invoke", **post(ASK), timeout=60)


def test_a_client_that_asks_too_often_is_told_when_to_come_back(serve: Serve) -> None:
    url = serve(requests_per_minute=3, api_keys="a,b")

    def status(authorization: str, path: str = "metrics") -> int:
        return httpx2.get(f"{url}/{path}", headers={"Authorization": authorization}).status_code

    statuses = [
        status(shown) for shown in ("Bearer a", "Bearer  a", "BEARER a", "Bearer a")
    ]  # one key, however it is written
    last = httpx2.get(f"{url}/metrics", headers={"Authorization": "bearer a"})

    assert statuses == [200, 200, 200, 429]
    assert 1 <= int(last.headers["Retry-After"]) <= 60
    assert last.json()["error"]["kind"] == "rate"
    assert status("Bearer b") == 200
    assert status("", "healthz") == 200


def test_without_keys_a_client_is_its_address_whatever_it_shows(serve: Serve) -> None:
    url = serve(requests_per_minute=2)

    statuses = [httpx2.get(f"{url}/metrics", headers={"Authorization": f"Bearer {n}"}).status_code for n in range(3)]

    assert statuses == [200, 200, 429]


def test_more_answers_than_places_are_told_to_come_back(serve: Serve, chat: ChatServer) -> None:
    url = serve(max_answers=1)
    chat.script(Reply("A tin [1]. " * 40, delay=0.05), Reply("A tin [1]."))
    with httpx2.stream("POST", f"{url}/rag/stream", **post(ASK), timeout=60) as first:
        parts = first.iter_bytes()
        next(parts)
        second = ask(url)

    assert (second.status_code, second.json()["error"]["kind"]) == (429, "busy")
    assert int(second.headers["Retry-After"]) >= 1
    assert chat.wait_for_disconnect(60)
    end = time.monotonic() + 60
    while (third := ask(url)).status_code == 429 and time.monotonic() < end:
        time.sleep(0.05)  # the place is free once the app has ended what the client left
    assert third.json()["output"]["answer"] == "A tin [1]."


def test_a_search_needs_no_place_among_the_answers(serve: Serve, chat: ChatServer) -> None:
    url = serve(max_answers=1)
    chat.script(Reply("A tin [1]. " * 40, delay=0.05))
    with httpx2.stream("POST", f"{url}/rag/stream", **post(ASK), timeout=60) as first:
        parts = first.iter_bytes()
        next(parts)
        assert httpx2.post(f"{url}/search", **post({"question": QUESTION})).status_code == 200


def test_an_answer_that_takes_too_long_is_given_up_and_its_model_too(serve: Serve, chat: ChatServer) -> None:
    url = serve(request_seconds=3)
    chat.script(Hang())

    response = ask(url)

    assert (response.status_code, response.json()["error"]["kind"]) == (504, "timeout")
    assert not chat.requests or chat.wait_for_disconnect(60)  # a slow machine may not have come to the model


def test_a_stream_that_takes_too_long_ends_with_an_error(serve: Serve, chat: ChatServer) -> None:
    url = serve(request_seconds=6)  # a slow machine needs some until the first word
    httpx2.post(f"{url}/search", **post({"question": QUESTION}))
    chat.script(Reply("A tin [1]. " * 400, delay=0.05))

    with httpx2.stream("POST", f"{url}/rag/stream", **post(ASK), timeout=60) as response:
        *_, name, data = response.read().decode().strip().splitlines()

    assert response.status_code == 200
    assert name == "event: error"
    told = json.loads(data.removeprefix("data: "))
    assert (told["status_code"], told["error"]["kind"]) == (504, "timeout")
    assert not chat.requests or chat.wait_for_disconnect(60)  # a slow machine may not have come to the model


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"question": "x" * 4001}, "the question has 4001 characters"),
        ({"question": "x", "chat_history": [["user", "y"]] * 101}, "chat_history has 101 messages"),
        ({"question": "x", "chat_history": [["user", "y" * 100_001]]}, "chat_history has 10"),
    ],
)
def test_questions_of_no_bearable_size_are_refused(serve: Serve, asked: Any, told: str) -> None:
    response = httpx2.post(f"{serve()}/rag/invoke", **post({"input": asked}))

    assert response.status_code == 422
    assert response.json()["error"]["message"].startswith(told)


def test_a_model_that_fails_is_told_without_its_words_or_its_place(serve: Serve, chat: ChatServer) -> None:
    chat.script(Failure.of(401, "key sk-123456789 of org-7 is revoked"))

    response = ask(serve())

    assert (response.status_code, response.json()["error"]["kind"]) == (502, "model")
    assert not any(word in response.text for word in ("sk-1", "org-7", "127.0.0.1"))


def test_the_id_of_a_request_is_the_clients_own_where_it_is_a_plain_word(serve: Serve) -> None:
    url = serve()

    ids = [
        httpx2.get(f"{url}/healthz", headers={"X-Request-ID": given}).headers["X-Request-ID"]
        for given in ("a-1", "a b", "x" * 65)
    ]

    assert ids[0] == "a-1"
    assert all(id_.isalnum() and len(id_) == 32 for id_ in ids[1:])


def test_a_line_about_each_request_and_its_question_only_if_wanted(
    serve: Serve, chat: ChatServer, caplog: pytest.LogCaptureFixture
) -> None:
    chat.script(Reply("A tin [1]."), Reply("A tin [1]."))

    def lines() -> list[logging.LogRecord]:
        return [record for record in caplog.records if record.name == "askmd.requests"]

    with caplog.at_level(logging.INFO, "askmd.requests"):
        ask(serve())
        ask(serve(log_questions=True))
        wait_until(lambda: len(lines()) == 2)  # a line is written when its response has gone
    first, second = lines()
    facts = vars(first)
    assert (facts["route"], facts["status"], facts["llm"], facts["refused"]) == ("/rag/invoke", 200, "scripted", False)
    assert QUESTION not in str(facts)
    assert vars(second)["question"] == QUESTION
    assert KEY not in caplog.text


def test_other_pages_may_call_it_once_they_are_named(serve: Serve) -> None:
    url = serve(cors_origins="https://wiki.example")
    asked = {
        "Origin": "https://wiki.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    }

    before = httpx2.options(f"{url}/search", headers=asked)
    allowed = httpx2.post(f"{url}/search", **post({"question": QUESTION}, Origin="https://wiki.example"))

    assert before.headers["Access-Control-Allow-Origin"] == "https://wiki.example"
    assert (allowed.status_code, allowed.headers["Access-Control-Allow-Origin"]) == (200, "https://wiki.example")
    other = httpx2.options(f"{url}/search", headers={**asked, "Origin": "https://evil.example"})
    assert other.status_code == 403


def test_every_response_tells_browsers_to_be_careful(serve: Serve) -> None:
    url = serve(api_keys="k")

    for path in ("/healthz", "/metrics", "/nowhere"):
        headers = httpx2.get(f"{url}{path}").headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "server" not in headers or "askmd" not in headers["server"]


def test_metrics_count_answers_tokens_refusals_and_failures(serve: Serve, chat: ChatServer) -> None:
    url = serve()
    chat.script(Reply("A tin [1]."), Failure.of(500, "down"))
    ask(url)
    ask(url)
    httpx2.post(f"{url}/rag/invoke", **post({"input": "Which volcano erupted beside Pompeii during antiquity?"}))

    def figures() -> dict[str, str]:
        text = httpx2.get(f"{url}/metrics").text
        return dict(line.rsplit(" ", 1) for line in text.splitlines() if line[0] != "#")

    counted = 'askmd_requests_total{method="POST",route="/rag/invoke",status="200"}'
    wait_until(lambda: figures().get(counted) == "2.0")  # a request is counted when its response has gone
    told = figures()
    assert told['askmd_answers_total{llm="scripted",outcome="whole"}'] == "1.0"
    assert told['askmd_answers_total{llm="scripted",outcome="refused"}'] == "1.0"
    assert told['askmd_errors_total{kind="model"}'] == "1.0"
    assert float(told['askmd_tokens_total{kind="input",llm="scripted"}']) > 0
    assert told['askmd_stage_seconds_count{stage="first_token"}'] == "2.0"
    assert float(told["askmd_store_chunks"]) > 0
    assert told['askmd_requests_total{method="POST",route="/rag/invoke",status="502"}'] == "1.0"


def test_ready_says_what_is_missing(tmp_path: Path, store: Path) -> None:
    with AppServer(settings(tmp_path / "none.db", "http://127.0.0.1:9").model_copy(update={"llm": "deepseek"})) as app:
        response = httpx2.get(f"{app.url}/readyz")
    with AppServer(settings(store, "http://127.0.0.1:9")) as app:
        assert httpx2.get(f"{app.url}/readyz").json() == {"ready": True, "problems": {}}

    assert response.status_code == 503
    assert sorted(response.json()["problems"]) == ["model", "store"]
    assert str(tmp_path) not in response.text


def test_a_source_tells_whether_it_changed(tmp_path: Path) -> None:
    given = settings(tmp_path / "s.db", "http://127.0.0.1:9")
    handbook = write_files(tmp_path / "handbook", FILES)
    ingest(given, handbook)
    with AppServer(given) as app:
        before = httpx2.get(f"{app.url}/sources/drinks/coffee.md?start_line=3&end_line=3").json()
        (handbook / "drinks/coffee.md").write_text("# Tea\n", "utf-8")
        after = httpx2.get(f"{app.url}/sources/drinks/coffee.md?root=handbook").json()

    assert before == {
        "root": "handbook",
        "doc": "drinks/coffee.md",
        "start_line": 3,
        "end_line": 3,
        "lines": 10,
        "text": "## How is espresso made?\n",
        "changed": False,
    }
    assert (after["text"], after["changed"]) == ("# Tea\n", True)

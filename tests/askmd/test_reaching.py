"""`askmd models` and `askmd models --check`, with servers on the loopback."""

import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from askmd.reaching import Reach, check_models
from config.settings import Settings
from tests.support.chat_calls import KEY
from tests.support.chat_replies import Failure, Hang
from tests.support.chat_server import ChatServer
from tests.support.command import askmd, askmd_json, call


def check(entry: dict[str, Any]) -> Reach:
    return check_models(Settings(models={"mine": {"model": "deepseek-v4-flash"} | entry}), ["mine"])["mine"]


def test_a_server_that_lists_the_model_is_usable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    with ChatServer() as server:
        reach = check({"base_url": server.base_url, "api_key_env": "MY_KEY", "extra_headers": {"X-Title": "askmd"}})
        (request,) = server.requests
    assert reach.usable
    assert reach.text == "reachable, has the model"
    assert (request.method, request.path) == ("GET", "/v1/models")
    assert (request.headers["authorization"], request.headers["x-title"]) == (f"Bearer {KEY}", "askmd")


def test_a_server_without_a_key_gets_none() -> None:
    with ChatServer() as server:
        assert check({"base_url": server.base_url}).usable
        assert "authorization" not in server.requests[0].headers


def test_a_model_that_is_not_listed_is_not_usable_and_those_that_are_are_named() -> None:
    with ChatServer() as server:
        reach = check({"base_url": server.base_url, "model": "deepseek-chat"})
    assert not reach.usable
    assert reach.text == ("reachable, but does not list 'deepseek-chat'; it lists deepseek-v4-flash, deepseek-v4-pro")


def test_the_default_model_of_a_local_server_is_whatever_it_serves() -> None:
    with ChatServer(models=("smollm2",)) as server:
        reach = check({"base_url": server.base_url, "model": "default"})
    assert (reach.usable, reach.text) == (True, "reachable, serves smollm2")


@pytest.mark.parametrize(
    ("failure", "usable", "said"),
    [
        (Failure.of(401, f"no such key {KEY}"), False, "does not accept MY_KEY"),
        (Failure.of(403, "no"), False, "does not accept MY_KEY"),
        (Failure.of(404, "no"), True, "has no list of models"),
        (Failure.of(500, "no"), False, "answered 500"),
        (Failure(302, "", {"Location": "http://127.0.0.1:9/models"}), False, "answered 302"),
        (Failure(200, "<html>Welcome</html>"), False, "no list of models; check the entry's `base_url`"),
        (Failure(200, {"data": [3]}), False, "no list of models"),
        (Failure(200, {"data": []}), False, "lists nothing"),
    ],
)
def test_what_a_server_says_instead(failure: Failure, usable: bool, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    with ChatServer(listing=failure) as server:
        reach = check({"base_url": server.base_url, "api_key_env": "MY_KEY"})
    assert reach.usable is usable
    assert said in reach.text
    assert KEY not in reach.text


def test_nobody_at_the_address() -> None:
    with ChatServer() as server:
        address = server.base_url
    reach = check({"base_url": address})
    assert not reach.usable
    assert "not reachable: 127.0.0.1:" in reach.text


def test_a_key_that_cannot_be_sent_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "sk-first\nsk-second")
    with ChatServer() as server:
        reach = check({"base_url": server.base_url, "api_key_env": "MY_KEY"})
    assert not reach.usable
    assert "sk-" not in reach.text


def test_an_entry_without_its_key_is_not_asked() -> None:
    with ChatServer() as server:
        reach = check({"base_url": server.base_url, "api_key_env": "MY_KEY"})
        assert not server.requests
    assert reach == Reach(usable=False, text="no key: MY_KEY is not set")


def test_an_entry_that_may_not_have_the_key_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPSEEK_API_KEY", KEY)
    text = '[models.mine]\nbase_url = "https://evil.example/v1"\nmodel = "m"\napi_key_env = "DEEPSEEK_API_KEY"\n'
    Path("askmd.toml").write_text(text, "utf-8")
    reach = check_models(Settings(), ["mine"])["mine"]
    assert not reach.usable
    assert "ASKMD_TRUSTED_HOSTS=evil.example" in reach.text


@pytest.mark.parametrize(("model", "usable"), [("openai:m", True), ("nvidia:m", False)])
def test_a_langchain_entry_is_opened_and_its_server_not_asked(
    model: str, usable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    reach = check({"provider": "langchain", "model": model, "api_key_env": "MY_KEY"})
    assert reach.usable is usable
    assert ("package" in reach.text) is True


def test_servers_are_asked_at_the_same_time_and_one_that_hangs_is_given_up() -> None:
    with ExitStack() as stack:
        servers = [stack.enter_context(ChatServer(listing=Hang())) for _ in range(3)]
        entries = {f"m{n}": {"base_url": server.base_url, "model": "m"} for n, server in enumerate(servers)}
        began = time.monotonic()
        reaches = check_models(Settings(models=entries), list(entries))
        elapsed = time.monotonic() - began
    assert all("did not answer in time" in reach.text for reach in reaches.values())
    assert elapsed < 15  # one after another would take 18


def project(server: ChatServer, llm: str) -> None:
    entry = f'[models.mine]\nbase_url = "{server.base_url}"\nmodel = "deepseek-v4-flash"\n'
    Path("askmd.toml").write_text(f'llm = "{llm}"\n{entry}', "utf-8")


def status(*words: str) -> int:
    return call(["models", "--check", *words]).status


def test_a_check_is_shown() -> None:
    with ChatServer() as server:
        project(server, "mine")
        shown = askmd("models", "--check", "mine", "offline").stdout
        (found,) = askmd_json("models", "--check", "mine")["models"]
    assert [line.split()[0] for line in shown.splitlines()] == ["name", "mine", "offline"]
    assert "reachable, has the model" in shown
    assert (found["usable"], found["check"]) == (True, "reachable, has the model")
    assert found["seconds"] > 0


def test_the_status_is_that_of_the_model_in_use_or_of_those_that_are_named() -> None:
    with ChatServer() as server:
        project(server, "mine")
    assert status("mine") == 1
    assert status("offline") == 0
    assert status("offline", "mine") == 1
    local = '[models.local]\nbase_url = "http://127.0.0.1:1/v1"\n'
    for llm, expected in (("mine", 1), ("offline", 0)):
        project(server, llm)
        Path("askmd.toml").write_text(Path("askmd.toml").read_text("utf-8") + local, "utf-8")
        assert status() == expected


def test_context_price_and_thinking_are_listed() -> None:
    (row,) = askmd_json("models", "deepseek-thinking")["models"]
    assert (row["thinking"], row["context_tokens"]) == (True, 1_000_000)
    assert row["prices"] == {"input": 0.14, "cached_input": 0.0028, "output": 0.28, "checked": "2026-11-22"}
    lines = askmd("models").stdout.splitlines()
    assert "1,000,000" in lines[1]
    assert "0.14 in, 0.0028 cached, 0.28 out (2026-11-22)" in lines[1]
    assert {line.split()[0]: line for line in lines}["openai"].count("  on") == 0
    assert {row["name"]: row["thinking"] for row in askmd_json("models")["models"]}["openai"] is None


def test_a_name_that_is_none_is_refused() -> None:
    assert "no model is called 'nope'" in askmd("models", "--check", "nope", status=2).stderr

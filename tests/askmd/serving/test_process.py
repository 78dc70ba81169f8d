"""`askmd serve` as a process: how it starts, what it refuses, how it ends."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from askmd.main import run
from config.settings import Settings
from ingest.pipeline import ingest
from tests.askmd.serving.guarded import QUESTION, post
from tests.support.chat_replies import Reply
from tests.support.chat_server import ChatServer
from tests.support.command import ASKMD
from tests.support.corpus import FILES
from tests.support.milvus_server import MilvusServer, free_port
from tests.support.stores import write_files

WITHIN = 90.0
"""Seconds that a process may take to start or to end on a busy machine."""


@contextmanager
def serving(*words: str, **variables: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start it at a free port; give it with its address."""
    port = free_port()
    process = subprocess.Popen(
        [ASKMD, "serve", "--port", str(port), *words],
        env={**os.environ, **variables},
        stderr=subprocess.PIPE,
        text=True,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        end = time.monotonic() + WITHIN
        while not answers(url):
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < end
            time.sleep(0.1)
        yield process, url
    finally:
        process.terminate()  # its own processes end with it, which a kill would leave behind
        try:
            process.communicate(timeout=WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


def answers(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/healthz").status_code == 200
    except httpx2.TransportError:
        return False


def configure(chat: ChatServer) -> None:
    """Let the entry `scripted` of the working directory's askmd.toml lead to the chat server."""
    entry = f'[models.scripted]\nbase_url = "{chat.root_url}"\nmodel = "m"\nmax_retries = 0\n'
    Path("askmd.toml").write_text(f'llm = "scripted"\n{entry}', "utf-8")


def refusal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str) -> tuple[int, str]:
    """Run it in this process where it ends before it serves."""
    monkeypatch.setattr(sys, "argv", ["askmd", "serve", *words])
    with pytest.raises(SystemExit) as end:
        run()
    return int(end.value.code or 0), capsys.readouterr().err


def test_told_to_end_it_lets_the_answer_under_way_end() -> None:
    write_files(Path("handbook"), FILES)
    ingest(Settings(milvus_uri="askmd.db"), Path("handbook"))
    with ChatServer(Reply("In a closed tin [1]. " * 8, delay=0.1)) as chat:
        configure(chat)
        with serving() as (process, url):
            with httpx2.stream("POST", f"{url}/rag/stream", **post({"input": QUESTION}), timeout=WITHIN) as response:
                parts = response.iter_text()
                text = next(parts)
                while not chat.requests:
                    text += next(parts)
                process.send_signal(signal.SIGTERM)
                text += "".join(parts)
            log = process.communicate(timeout=WITHIN)[1]

    assert process.returncode == 0, log
    assert "event: end" in text
    assert text.count("closed") >= 8
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    assert [line["route"] for line in lines if line.get("route") == "/rag/stream"]
    assert ingest(Settings(milvus_uri="askmd.db"), Path("handbook")).unchanged == len(FILES)  # the file is free again


def test_a_file_belongs_to_one_process_whatever_is_asked_for() -> None:
    with serving("--workers", "3", MILVUS_URI="none.db") as (process, _):
        process.send_signal(signal.SIGINT)
        log = process.communicate(timeout=WITHIN)[1]

    assert process.returncode == 0
    assert "none.db is a Milvus Lite file, which one process can use: one worker starts" in log


def test_two_processes_of_two_workers_serve_one_milvus_server(tmp_path: Path) -> None:
    with MilvusServer(tmp_path / "data") as milvus, ChatServer(default=Reply("In a closed tin [1].")) as chat:
        ingest(Settings(milvus_uri=milvus.uri), write_files(Path("handbook"), FILES))
        configure(chat)
        variables = {"MILVUS_URI": milvus.uri}
        with serving("--workers", "2", **variables) as (_, first), serving(**variables) as (_, second):
            given = [
                httpx2.post(f"{url}/rag/invoke", **post({"input": QUESTION}), timeout=WITHIN).json()["output"]
                for url in (first, second, first)
            ]

    assert {answer["answer"] for answer in given} == {"In a closed tin [1]."}
    assert {answer["citations"][0]["doc"] for answer in given} == {"tea.md"}


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "wiki.example"])  # noqa: S104 - it is refused
def test_who_can_be_reached_by_others_must_have_keys(
    host: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    status, told = refusal(capsys, monkeypatch, "--host", host)

    assert (status, told) == (
        2,
        f"askmd: {host} can be reached by others: set ASKMD_API_KEYS to the keys of your clients\n",
    )


def test_a_port_that_is_taken_is_told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        status, told = refusal(capsys, monkeypatch, "--port", str(taken.getsockname()[1]))

    assert status == 1
    assert re.fullmatch(r"askmd: cannot listen at http://127.0.0.1:\d+: .*in use; choose another --port\n", told)


@pytest.mark.parametrize(
    ("words", "variables", "told"),
    [
        (["--port", "70000"], {}, "port"),
        ([], {"ASKMD_MAX_ANSWERS": "none"}, "max_answers"),
        ([], {"ASKMD_LLM": "nobody"}, "no model is called 'nobody'"),
    ],
)
def test_wrong_settings_are_told_before_anything_listens(
    words: list[str],
    variables: dict[str, str],
    told: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    status, error = refusal(capsys, monkeypatch, *words)

    assert status == 2
    assert told in error
    assert error.count("\n") == 1


def test_keys_never_stand_in_what_settings_print(monkeypatch: pytest.MonkeyPatch) -> None:
    from config.serving import ServingSettings

    monkeypatch.setenv("ASKMD_API_KEYS", "one, two ,")
    given: Any = ServingSettings()

    assert given.keys == ("one", "two")
    assert not any(word in f"{given!r} {given} {given.model_dump_json()}" for word in ("one", "two"))

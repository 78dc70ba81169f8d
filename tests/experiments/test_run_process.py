"""A run that is killed, or interrupted, and run again: nothing is lost, and nothing is paid twice."""

import os
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest

from experiments.running.run_folder import RunFolder
from tests.experiments.runs import write_spec
from tests.support.chat_replies import Reply
from tests.support.chat_server import ChatServer, Request
from tests.support.command import ASKMD, askmd


def slow_then_quick(request: Request) -> Reply:
    return Reply("Two minutes [1].", delay=0.05)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_it_goes_on_where_it_was_stopped(tmp_path: Path, how: signal.Signals) -> None:
    with ChatServer(default=slow_then_quick) as server:
        write_spec(tmp_path, 'llm = ["one"]', "repeats = 8\nconcurrency = 1")
        (tmp_path / "askmd.toml").write_text(
            f'embedding = "minilm"\n[models.one]\nbase_url = "{server.root_url}"\nmodel = "one"\nmax_retries = 0\n',
            "utf-8",
        )
        process = subprocess.Popen(
            [ASKMD, "experiment", "run", "spec.toml", "--yes"],
            cwd=tmp_path, env=os.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        while len(server.requests) < 4:
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)
        process.send_signal(how)
        _, errors = process.communicate(timeout=60)
        asked = len(server.requests)
        kept = RunFolder(tmp_path / "runs" / "tea").records()

        askmd("experiment", "run", "spec.toml", "--yes", folder=tmp_path)
        requests = Counter(str(request.body["messages"]) for request in server.requests)

    results = RunFolder(tmp_path / "runs" / "tea").results()
    assert 0 < len(kept) < 24
    assert results.records[: len(kept)] == kept
    assert len({record.key for record in results.records}) == len(results.records) == 24
    lost = 1 if how is signal.SIGKILL else 0  # the one that was under way
    assert sum(requests.values()) <= 16 + lost, "two questions that reach the model, eight times"
    if how is signal.SIGINT:
        assert process.returncode == 130
        assert errors.endswith("askmd: interrupted; what was done so far is kept\n")
        assert asked <= 6, "no further call is begun"

"""Ingests as processes: killed, interrupted, two at once, short of disk, beside readers, watching."""

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.settings import Settings
from store.filters import equals
from store.milvus import open_store
from tests.support.command import ASKMD
from tests.support.embedding_server import EmbeddingServer
from tests.support.held_embedding_server import HeldEmbeddingServer
from tests.support.killing import AFTER, BEFORE, UNCHANGED, Ingest, kill_and_repeat
from tests.support.milvus_server import MilvusServer
from tests.support.stores import write_files
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def embedding() -> Iterator[EmbeddingServer]:
    with EmbeddingServer(dimensions=16) as server:
        yield server


class Prepared:
    """A store of BEFORE, the folder as it is AFTER, and what a clean ingest of that holds."""

    def __init__(self, folder: Path, embedding: EmbeddingServer) -> None:
        self.embedding = embedding
        self.start = folder / "start.db"
        self.docs = write_files(folder / "docs", BEFORE)
        Ingest(self.docs, str(self.start), embedding).run()
        write_files(self.docs, AFTER)
        clean = Ingest(self.docs, str(folder / "clean.db"), embedding)
        self.seconds = clean.run()
        self.clean = clean.rows()


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, embedding: EmbeddingServer) -> Prepared:
    return Prepared(tmp_path_factory.mktemp("prepared"), embedding)


@pytest.mark.parametrize("moment", [0.5, 0.7, 0.9])
@pytest.mark.parametrize("first", [True, False])
def test_killed_and_run_again_it_is_a_clean_ingest(
    prepared: Prepared, tmp_path: Path, moment: float, first: bool
) -> None:
    """`python -m tests.support.killing` does this at as many random moments as one likes."""
    if not first:
        shutil.copytree(prepared.start, tmp_path / "s.db")
    ingest = Ingest(prepared.docs, str(tmp_path / "s.db"), prepared.embedding)

    _, same = kill_and_repeat(ingest, prepared.seconds * moment, prepared.clean)

    assert same


def test_a_rebuild_that_is_killed_leaves_the_old_index_whole(prepared: Prepared, tmp_path: Path) -> None:
    shutil.copytree(prepared.start, tmp_path / "s.db")
    ingest = Ingest(prepared.docs, str(tmp_path / "s.db"), prepared.embedding)
    before = ingest.rows()
    process = ingest.start("--rebuild")
    collections = tmp_path / "s.db" / "collections"
    wait_until(lambda: len(list(collections.glob("*/manifest.json"))) == 2)  # what has none is no collection yet
    process.kill()
    process.communicate()

    left = len(list(collections.iterdir()))
    assert ingest.rows() == before
    ingest.run()
    assert ingest.rows() == prepared.clean
    assert (left, len(list(collections.iterdir()))) == (2, 1)


def test_interrupted_it_says_so_and_can_go_on(prepared: Prepared, tmp_path: Path) -> None:
    ingest = Ingest(prepared.docs, str(tmp_path / "s.db"), prepared.embedding)
    process = ingest.start()
    wait_until((tmp_path / "s.db").exists)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)

    assert process.returncode == 130
    assert errors == "askmd: interrupted; what was done so far is kept\n"
    ingest.run()
    assert ingest.rows() == prepared.clean


def test_of_two_at_once_on_a_lite_file_one_is_refused(prepared: Prepared, tmp_path: Path) -> None:
    with HeldEmbeddingServer("Part", dimensions=16) as embedding:
        ingest = Ingest(prepared.docs, str(tmp_path / "s.db"), embedding)
        first = ingest.start()
        wait_until(lambda: embedding.is_holding)
        second = ingest.start()
        _, refusal = second.communicate(timeout=240)
        embedding.go.set()
        first.communicate(timeout=240)

    assert (first.returncode, second.returncode) == (0, 1)
    assert "is open in another process" in refusal
    assert ingest.rows() == prepared.clean


def test_on_a_server_readers_never_miss_what_did_not_change(prepared: Prepared, tmp_path: Path) -> None:
    """While a first process is killed in the middle of an update, a second runs into it, and a third mends it."""
    with MilvusServer(tmp_path / "data") as server:
        ingest = Ingest(prepared.docs, server.uri, prepared.embedding)
        write_files(prepared.docs, BEFORE)
        ingest.run()
        write_files(prepared.docs, AFTER)
        watcher = Reader(server.uri)
        running = ingest.start()
        time.sleep(prepared.seconds * 0.6)
        second = ingest.start()
        _, refusal = second.communicate(timeout=60)
        running.kill()
        running.communicate()
        ingest.run()
        missing, looks = watcher.stop()

        assert second.returncode == 0 or "'docs' is being ingested by process" in refusal
        assert missing == set()
        assert looks > 3
        assert ingest.rows() == prepared.clean


class Reader:
    """Looks again and again whether all rows of the unchanged files are there."""

    def __init__(self, uri: str) -> None:
        self._uri, self._end = uri, threading.Event()
        self._missing: set[str] = set()
        self._looks = 0
        self._expected = self._look()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def _look(self) -> set[str]:
        with open_store(Settings(milvus_uri=self._uri)) as store:
            rows = store.rows(equals("root", "docs"), ["id", "doc"])
            return {row["id"] for row in rows if row["doc"] in UNCHANGED}

    def _watch(self) -> None:
        while not self._end.is_set():
            self._missing |= self._expected - self._look()
            self._looks += 1

    def stop(self) -> tuple[set[str], int]:
        self._end.set()
        self._thread.join()
        return self._missing, self._looks


def test_a_lease_of_a_dead_process_is_taken_over_and_a_living_one_is_not(tmp_path: Path) -> None:
    from store.lease import EVERYTHING, LEASE_PROPERTY, Lease, lease

    with MilvusServer(tmp_path / "data") as server, EmbeddingServer(dimensions=16) as embedding:
        docs = write_files(tmp_path / "docs", {"a.md": "# A\n\nText.\n"})
        Ingest(docs, server.uri, embedding).run()
        with open_store(Settings(milvus_uri=server.uri)) as store:
            import json
            import socket

            def leave(root: str, pid: int, host: str, age: float) -> None:
                held = Lease(token="t", host=host, pid=pid, beat=time.time() - age)
                store.set_properties({LEASE_PROPERTY + root: json.dumps(held)})

            def claim(root: str) -> str:
                try:
                    with lease(store, root):
                        return "got it"
                except Exception as error:  # noqa: BLE001 - its text is what is looked at
                    return str(error)

            here, dead = socket.gethostname(), dead_pid()
            for root, pid, host, age, wanted, outcome in [
                ("docs", os.getpid(), here, 0, "docs", "'docs' is being ingested by process"),
                ("docs", os.getpid(), here, 0, "other", "got it"),
                ("docs", os.getpid(), here, 0, EVERYTHING, "'docs' is being ingested by process"),
                (EVERYTHING, os.getpid(), here, 0, "docs", "the collection is being rebuilt by process"),
                ("docs", dead, here, 0, "docs", "got it"),
                ("docs", 1, "elsewhere", 10, "docs", "'docs' is being ingested by process 1 on elsewhere"),
                ("docs", 1, "elsewhere", 1_000, "docs", "got it"),
            ]:
                leave(root, pid, host, age)
                assert outcome in claim(wanted)
                store.set_properties({LEASE_PROPERTY + root: ""})


def dead_pid() -> int:
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def test_a_full_disk_is_one_line_and_loses_nothing(prepared: Prepared, tmp_path: Path) -> None:
    shutil.copytree(prepared.start, tmp_path / "s.db")
    ingest = Ingest(prepared.docs, str(tmp_path / "s.db"), prepared.embedding)
    before = ingest.rows()

    done = subprocess.run(
        ["sh", "-c", 'ulimit -f 40; exec "$0" "$@"', ASKMD, "ingest", str(prepared.docs), "--name", "docs"],
        env=ingest.environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("askmd: Milvus at ")
    kept = ingest.rows()
    assert {id_ for id_, row in before.items() if row["doc"] in UNCHANGED} <= set(kept)
    ingest.run()
    assert ingest.rows() == prepared.clean


@pytest.mark.parametrize("place", ["/proc/askmd.db", "/dev/null/askmd.db"])
def test_a_place_that_can_not_be_written_is_named(tmp_path: Path, embedding: EmbeddingServer, place: str) -> None:
    ingest = Ingest(write_files(tmp_path / "docs", {"a.md": "# A\n"}), place, embedding)
    _, errors = ingest.start().communicate(timeout=60)

    assert errors.startswith("askmd: cannot ")
    assert place in errors
    assert len(errors.splitlines()) == 1


def test_memory_does_not_grow_with_the_corpus(tmp_path: Path, embedding: EmbeddingServer) -> None:
    def peak(copies: int) -> int:
        files = {f"{copy}/{doc}": f"# Copy {copy}\n\n{text}" for copy in range(copies) for doc, text in BEFORE.items()}
        ingest = Ingest(write_files(tmp_path / str(copies), files), str(tmp_path / f"{copies}.db"), embedding)
        process = ingest.start()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        process.communicate()
        assert process.returncode == 0
        return usage.ru_maxrss

    assert peak(5) < 1.5 * peak(1)


def test_watch_keeps_in_step_until_interrupted(tmp_path: Path, embedding: EmbeddingServer) -> None:
    docs = write_files(tmp_path / "docs", {"a.md": "# A\n\nOne.\n"})
    ingest = Ingest(docs, str(docs / "own.db"), embedding)
    process = subprocess.Popen(
        [ASKMD, "ingest", str(docs), "--watch"],
        env={**ingest.environment, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    lines = Lines(process)

    assert lines.next().startswith("1 added")
    time.sleep(1)
    (docs / "b.md").write_text("# B\n\nTwo.\n", "utf-8")
    assert lines.next().startswith("1 added, 0 changed, 0 moved, 0 deleted, 1 unchanged")
    (docs / "a.md").unlink()
    assert lines.next().startswith("0 added, 0 changed, 0 moved, 1 deleted, 1 unchanged")
    (docs / "b.md").rename(docs / "c.md")
    assert lines.next().startswith("0 added, 0 changed, 1 moved, 0 deleted, 0 unchanged")
    process.send_signal(signal.SIGINT)
    rest, errors = process.communicate(timeout=30)

    assert (process.returncode, rest) == (130, "")
    assert errors == "askmd: interrupted; what was done so far is kept\n"
    assert {row["doc"] for row in ingest.rows().values()} == {"c.md"}


class Lines:
    """The lines of a running process, each waited for."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def next(self) -> str:
        assert self._process.stdout is not None
        alarm = threading.Timer(60, self._process.kill)
        alarm.start()
        line = self._process.stdout.readline()
        alarm.cancel()
        return line

"""Mixed load for as long as is wanted: questions, searches, and files that change under a watching ingest.

    python -m benchmarks.soak [--seconds 3600] [--json FILE]

Four kinds of processes: `milvus-lite server`, `askmd ingest --watch` on a folder that is changed all the time, `askmd
serve`, and this one with its clients and a scripted model server. Every passage of every answer and of every search is
held against the versions of its file: it has to be an exact slice of one that was on disk since the last sync that had
ended before the question, and its hash the hash of that version. Exits with 1 if a request failed, a passage was
wrong, or memory or open files grew.
"""

import argparse
import contextlib
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import numpy as np

from benchmarks.serve import Forgetful, held, wait_until_ready
from store.file_hash import hash_file
from tests.support.chat_replies import Reply
from tests.support.chat_server import ChatServer
from tests.support.command import ASKMD
from tests.support.milvus_server import MilvusServer, free_port

FILES = 60
ASKING, SEARCHING = 3, 2
CHANGE_EVERY = 0.7
"""Seconds from a change of a file to the next."""
GROWTH = 1.1
"""What memory may grow to from the second quarter of the run to its last: allocators keep some of what they get."""
SPARE_FILES = 24
"""Connections that may be open at one sample and not at another."""


@dataclass
class Version:
    """What a file held, and when it was on disk; `until` is infinite for the one that is there."""

    text: str
    hash: str
    since: float
    until: float = float("inf")


@dataclass
class World:
    """The folder, all that it ever held, and the syncs that are known to have ended: (begun at the earliest, ended)."""

    folder: Path
    versions: dict[str, list[Version]] = field(default_factory=dict)
    syncs: list[tuple[float, float]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def write(self, doc: str, text: str | None) -> None:
        """Change a file, or take it away."""
        with self.lock:
            known = self.versions.setdefault(doc, [])
            path = self.folder / doc
            if text is None:
                path.unlink(missing_ok=True)
            else:
                new = path.with_suffix(".new")
                new.write_text(text, "utf-8")
                new.replace(path)
            now = time.time()
            if known:
                known[-1].until = min(known[-1].until, now)
            if text is not None:
                known.append(Version(text, hash_file(text.encode()), now))

    def fault(self, passage: dict[str, Any], asked: float, answered: float) -> str | None:
        """Say what is wrong with a passage that was given between two moments."""
        with self.lock:
            begun = max((begun for begun, ended in self.syncs if ended <= asked), default=0.0)
            same = [each for each in self.versions.get(passage["doc"], []) if each.hash == passage["file_hash"]]
        if not same:
            return f"{passage['doc']}: no version has this hash"
        if not any(each.text[passage["start"] : passage["end"]] == passage["text"] for each in same):
            return f"{passage['doc']}: not the slice that it says"
        if not any(each.until >= begun and each.since <= answered for each in same):
            late = min(begun - each.until for each in same)
            return f"{passage['doc']}: replaced {late:.2f} s before the last sync can have begun, asked for {asked:.2f}"
        return None


@dataclass
class Counts:
    """What the clients saw."""

    answers: int = 0
    searches: int = 0
    passages: int = 0
    changes: int = 0
    faults: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = soak(Path(folder), options.seconds)
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    for fault in result["faults"][:10]:
        print(fault)
    return 1 if result["faults"] else 0


def soak(folder: Path, seconds: float) -> dict[str, Any]:
    world, counts, stop = World(folder / "docs"), Counts(), threading.Event()
    world.folder.mkdir()
    for number in range(FILES):
        world.write(f"gadget-{number}.md", page(number, 0))
    reply = Reply("It is cleaned as the passage says [1].", delay=0.01)
    with contextlib.ExitStack() as stack:
        milvus = stack.enter_context(MilvusServer(folder / "milvus"))
        chat = stack.enter_context(ChatServer(default=reply))
        chat.requests = Forgetful()
        environment = {
            **os.environ,
            "MILVUS_URI": milvus.uri,
            "ASKMD_EMBEDDING": "minilm",
            "ASKMD_LLM": "scripted",
            "ASKMD_MODELS": json.dumps({"scripted": {"base_url": chat.root_url, "model": "m"}}),
            "ASKMD_REQUESTS_PER_MINUTE": "1000000",
        }
        watching = stack.enter_context(watch(world, environment, folder))
        serving, address = stack.enter_context(serve(environment, folder))
        threads = [
            threading.Thread(target=work, args=(address, world, counts, stop, number))
            for number in range(ASKING + SEARCHING)
        ]
        threads.append(threading.Thread(target=change, args=(world, counts, stop)))
        for thread in threads:
            thread.start()
        try:
            samples = sample(counts, {"serve": serving.pid, "watch": watching.pid}, seconds)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        for name, process in (("serve", serving), ("watch", watching)):
            if process.poll() is not None:
                counts.faults.append(f"{name} ended with {process.returncode}")
    counts.faults += grown(samples)
    p50, p99 = np.percentile(counts.seconds, [50, 99]) if counts.seconds else (0.0, 0.0)
    print(
        f"\n{counts.answers} answers, {counts.searches} searches, {counts.passages} passages held against "
        f"{counts.changes} changes and {len(world.syncs)} syncs: {len(counts.faults)} faults; "
        f"a request took {p50:.2f} s (p50), {p99:.2f} s (p99)"
    )
    return {"samples": samples, **vars(counts)}


def page(number: int, version: int) -> str:
    more = "".join(f"\n## Part {part}\n\nPart {part} of gadget-{number} is of steel.\n" for part in range(version % 4))
    return (
        f"# Gadget {number}\n\n## How is gadget-{number} cleaned?\n\n"
        f"Gadget-{number} is cleaned with fluid {version}, twice a week.\n{more}"
    )


def change(world: World, counts: Counts, stop: threading.Event) -> None:
    """Change a file, now and then take one away or bring it back."""
    order = random.Random(1)  # noqa: S311 - no secret
    version = 0
    while not stop.wait(CHANGE_EVERY):
        version += 1
        number = order.randrange(FILES)
        gone = order.random() < 0.1
        world.write(f"gadget-{number}.md", None if gone else page(number, version))
        counts.changes += 1


def work(address: str, world: World, counts: Counts, stop: threading.Event, number: int) -> None:
    """Ask, or search, again and again; hold all passages against the files."""
    order = random.Random(number)  # noqa: S311 - no secret
    with httpx2.Client(base_url=address, timeout=60, trust_env=False) as client:
        while not stop.is_set():
            question = f"How is gadget-{order.randrange(FILES)} cleaned?"
            asked = time.time()
            try:
                passages = ask(client, question) if number < ASKING else search(client, question)
            except (httpx2.HTTPError, ValueError, KeyError) as error:
                counts.faults.append(f"{type(error).__name__}: {error}"[:300])
                continue
            answered = time.time()
            counts.seconds.append(answered - asked)
            counts.answers += number < ASKING
            counts.searches += number >= ASKING
            counts.passages += len(passages)
            counts.faults += [fault for each in passages if (fault := world.fault(each, asked, answered))]


def ask(client: httpx2.Client, question: str) -> list[dict[str, Any]]:
    """Give the passages of an answer. Raises ValueError for one that is not as it was scripted."""
    answer = client.post("/rag/invoke", json={"input": question}).raise_for_status().json()["output"]
    if not answer["refused"] and (answer["incomplete"] or not answer["citations"] or answer["unknown_citations"]):
        raise ValueError(f"not a whole answer with its citation: {answer['answer']!r}, {answer['incomplete']!r}")
    return list(answer["sources"])


def search(client: httpx2.Client, question: str) -> list[dict[str, Any]]:
    return list(client.post("/search", json={"question": question, "k": 5}).raise_for_status().json()["hits"])


def sample(counts: Counts, pids: dict[str, int], seconds: float) -> list[dict[str, Any]]:
    """Print a row of what happened and what the processes hold, forty times a run."""
    print("| seconds | answers | searches | faults | serve, MB | files | watch, MB | files |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    rows: list[dict[str, Any]] = []
    began = time.monotonic()
    while (passed := time.monotonic() - began) < seconds:
        time.sleep(min(max(seconds / 40, 1.0), seconds - passed))
        row: dict[str, Any] = {"seconds": time.monotonic() - began, **{name: held(pid) for name, pid in pids.items()}}
        rows.append(row)
        held_now = " | ".join(f"{row[name]['megabytes']:.0f} | {row[name]['files']:.0f}" for name in pids)
        print(
            f"| {row['seconds']:.0f} | {counts.answers} | {counts.searches} | {len(counts.faults)} | {held_now} |",
            flush=True,
        )
    return rows


def grown(samples: list[dict[str, Any]]) -> list[str]:
    """Compare the last quarter with the second one: the first warms up."""
    quarter = len(samples) // 4
    if not quarter:
        return []
    found = []
    for name in ("serve", "watch"):
        for what, most in (("megabytes", GROWTH), ("files", None)):
            before, after = (
                float(np.median([row[name][what] for row in part]))
                for part in (samples[quarter : 2 * quarter], samples[-quarter:])
            )
            limit = before * most if most else before + SPARE_FILES
            if after > limit:
                found.append(f"{name}: {what} grew from {before:.0f} to {after:.0f}")
    return found


@contextlib.contextmanager
def watch(world: World, environment: dict[str, str], folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Run `askmd ingest --watch`, and note when its syncs began and ended."""
    command = [ASKMD, "ingest", str(world.folder), "--watch", "--json"]
    with (
        (folder / "watch.log").open("w") as log,
        subprocess.Popen(
            command, env={**environment, "PYTHONUNBUFFERED": "1"}, stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
    ):
        reader = threading.Thread(target=read_syncs, args=(process, world))
        reader.start()
        try:
            while not world.syncs:
                if process.poll() is not None:
                    raise RuntimeError((folder / "watch.log").read_text("utf-8"))
                time.sleep(0.1)
            yield process
        finally:
            process.terminate()
            reader.join()


def read_syncs(process: subprocess.Popen[str], world: World) -> None:
    """Each report is a JSON object, over one or several lines."""
    decoder, text = json.JSONDecoder(), ""
    for line in process.stdout or ():
        text += line
        with contextlib.suppress(json.JSONDecodeError):
            _, end = decoder.raw_decode(text.lstrip())
            text = text.lstrip()[end:]
            with world.lock:
                before = world.syncs[-1][1] if world.syncs else 0.0
                world.syncs.append((before, time.time()))  # it looked what files there are after the one before ended


@contextlib.contextmanager
def serve(environment: dict[str, str], folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    port = free_port()
    with (
        (folder / "serve.log").open("wb") as log,
        subprocess.Popen([ASKMD, "serve", "--port", str(port)], env=environment, stdout=log, stderr=log) as process,
    ):
        try:
            wait_until_ready(f"http://127.0.0.1:{port}/readyz", process, folder / "serve.log")
            yield process, f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


if __name__ == "__main__":
    sys.exit(main())

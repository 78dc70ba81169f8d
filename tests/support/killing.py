"""Ingests that are killed at a given moment, run again, and compared with one that was not.

    python -m tests.support.killing --moments 200

kills half of them in the middle of a first ingest, half in the middle of an update, at random moments, and prints how
many of the repeated runs came out as a clean ingest does.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.settings import Settings
from store.milvus import open_store
from store.rows import SHOWN_FIELDS
from tests.support.command import ASKMD
from tests.support.embedding_server import EmbeddingServer
from tests.support.stores import write_files

FILES = 90
SECTIONS = 30
"""Sections of a file: together more chunks than are written at once."""


def page(number: int, edition: int = 0) -> str:
    """Write a file of many sections; another edition differs in some of them and moves the others."""
    sections = [f"# File {number}\n"]
    for section in range(SECTIONS):
        changed = f" It was changed {edition} times." if edition and section % 7 == 3 else ""
        sections.append(f"## Part {section}\n\nPart {section} of file {number} says what it says.{changed}\n")
    return "\n".join(sections)


BEFORE = {f"{number % 7}/{number}.md": page(number) for number in range(FILES)}
AFTER = {
    **{doc: text for doc, text in BEFORE.items() if int(Path(doc).stem) % 9 > 1},  # some are deleted or moved
    **{f"{number % 7}/{number}.md": page(number, edition=1) for number in range(0, FILES, 4) if number % 9 > 1},
    **{f"moved/{number}.md": page(number) for number in range(0, FILES, 9)},
    **{f"new/{number}.md": page(1_000 + number) for number in range(20)},
}
UNCHANGED = [doc for doc, text in AFTER.items() if BEFORE.get(doc) == text]


@dataclass(frozen=True)
class Ingest:
    """`askmd ingest` of one folder into one store, with vectors from a scripted endpoint."""

    folder: Path
    uri: str
    embedding: EmbeddingServer

    @property
    def environment(self) -> Mapping[str, str]:
        """What the process finds around it."""
        return {
            **os.environ,
            "MILVUS_URI": self.uri,
            "ASKMD_EMBEDDING": "openai:counts",
            "ASKMD_EMBEDDING_BASE_URL": self.embedding.base_url,
            "NO_PROXY": "127.0.0.1",
        }

    def start(self, *options: str) -> "subprocess.Popen[str]":
        """Start it."""
        command = [ASKMD, "ingest", str(self.folder), "--name", "docs", "--json", *options]
        return subprocess.Popen(
            command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.folder
        )

    def run(self) -> float:
        """Run it to its end; give its seconds. Raises RuntimeError if it fails."""
        started = time.perf_counter()
        process = self.start()
        _, errors = process.communicate(timeout=3_600)
        if process.returncode:
            raise RuntimeError(f"ingest ended with {process.returncode}: {errors}")
        return time.perf_counter() - started

    def kill_after(self, seconds: float) -> bool:
        """Start it and kill it; tell whether it was still running."""
        process = self.start()
        time.sleep(seconds)
        running = process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.communicate()
        return running

    def rows(self) -> dict[str, dict[str, Any]]:
        """Give all that is stored, vectors included."""
        with open_store(Settings(milvus_uri=self.uri)) as store:
            return {row["id"]: row for row in store.rows('id != ""', [*SHOWN_FIELDS, "lexical", "vector"])}


def kill_and_repeat(ingest: Ingest, seconds: float, clean: dict[str, dict[str, Any]]) -> tuple[bool, bool]:
    """Kill an ingest, run it again; tell whether the kill met it running, and whether the rows are those of `clean`."""
    running = ingest.kill_after(seconds)
    ingest.run()
    return running, ingest.rows() == clean


def main() -> None:
    """Kill at many moments and print what came of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--moments", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    moments = random.Random(options.seed)
    os.environ["NO_PROXY"] = "127.0.0.1"
    with EmbeddingServer(dimensions=16) as embedding, tempfile.TemporaryDirectory() as scratch:
        for name, before, after in (("first ingest", None, BEFORE), ("update", BEFORE, AFTER)):
            folder = Path(scratch) / name.replace(" ", "-")
            start = folder / "start.db"
            if before:
                Ingest(write_files(folder / "docs", before), str(start), embedding).run()
            docs = write_files(folder / "docs", after)
            whole = Ingest(docs, str(folder / "clean.db"), embedding)
            whole.run()
            clean = whole.rows()
            shutil.rmtree(folder / "clean.db")
            killed = good = 0
            longest = _duration(docs, start, folder / "timed.db", embedding)
            for _ in range(options.moments // 2):
                store = folder / "killed.db"
                shutil.rmtree(store, ignore_errors=True)
                if before:
                    shutil.copytree(start, store)
                moment = moments.uniform(0.3, longest)
                running, same = kill_and_repeat(Ingest(docs, str(store), embedding), moment, clean)
                killed += running
                good += same
            print(
                f"{name}: {options.moments // 2} moments in {longest:.1f} s, {killed} met it running, {good} came out clean"
            )


def _duration(docs: Path, start: Path, store: Path, embedding: EmbeddingServer) -> float:
    if start.exists():
        shutil.copytree(start, store)
    return Ingest(docs, str(store), embedding).run()


if __name__ == "__main__":
    main()

"""How ingest, search, memory and disk grow with the number of chunks, on one kind of Milvus.

    python -m benchmarks.growth FOLDER [--sizes 1000 10000 100000 200000] [--server lite|2.3] [--json FILE]

FOLDER is any folder of Markdown; one collection is filled with copy after copy of it (as benchmarks/search.py does it)
and measured at each size:

- write: chunks a second from one size to the next, vectors given, flushed as an ingest does; what embedding adds is the
  same at every size (benchmarks/ingest.py);
- nothing changed, one file changed: whole ingests of the copies as files, s;
- search: `retrieve` for 5 passages; dense, words: the raw searches of Milvus; path: dense within one copy; ms;
- open: opening the collection and the first search after it, in this process, s;
- memory of the process that holds the collection, MB; disk, MB.

Without --server in a Milvus Lite file; `--server lite` starts a `milvus-lite server`, `--server 2.3` the Milvus 2.3.5
that `make test` installs, with one vector a chunk and without words.
"""

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

from benchmarks.search import ROOT, Corpus, percentiles, timed
from chains.retrieval.find import candidates
from chains.retrieval.retrieve import retrieve
from config.settings import Settings
from ingest.find import find_docs, open_root
from ingest.ingestion import WINDOW
from ingest.pipeline import IngestOptions, ingest, make_fingerprint
from ingest.sync import FLUSH_EVERY
from store.collection import Store
from store.embeddings import EmbeddingModel, configured_embeddings
from store.lexical import analyse
from store.milvus import open_or_create_store, open_store
from store.rows import StoredRow
from tests.support.backends import open_backend, stop_shared_server

K = 5
QUESTIONS = 100
SIZES = [1_000, 3_000, 10_000, 30_000, 100_000, 200_000]
SERVERS = {"lite": "lite-server", "2.3": "milvus-2.3"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="chunks in the collection")
    parser.add_argument("--server", choices=SERVERS)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
        folder = Path(scratch)
        stack.callback(stop_shared_server, folder)
        backend = open_backend(SERVERS.get(options.server, "lite"), folder / "server", folder, stack)
        settings = backend.settings(folder, k=K, milvus_timeout=600)
        holder = psutil.Process() if backend.uri is None else process_at(backend.uri)
        figures = []
        for each in grow(settings, options.folder, folder / "copies", options.sizes, holder):
            each["disk MB"] = size_of(folder, but=folder / "copies") // 1_000_000
            figures.append(each)
            print(json.dumps(each), flush=True)
    print(table(f"{backend.name}, embedding {settings.embedding}", figures))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")


def grow(
    settings: Settings, folder: Path, copies: Path, sizes: list[int], holder: psutil.Process
) -> Iterator[dict[str, Any]]:
    embeddings = configured_embeddings(settings)
    corpus = Corpus(settings, folder, embeddings)
    rows = corpus.rows()
    written = 0
    for size in sizes:
        goal = max(written + 1, round(size / corpus.chunks))
        with open_or_create_store(settings, make_fingerprint(settings, embeddings)) as store:
            seconds = timed(partial(fill, store, rows, (goal - written) * corpus.chunks, copies))
        for number in range(written, goal):
            shutil.copytree(folder, copies / str(number))
        figures: dict[str, Any] = {
            "chunks": goal * corpus.chunks,
            "write /s": round((goal - written) * corpus.chunks / seconds),
        }
        written = goal
        figures |= syncs(settings, copies, embeddings)
        started = time.perf_counter()
        with open_store(settings) as reader:
            retrieve(reader, embeddings, corpus.headings[-1], K)
            figures["open s"] = round(time.perf_counter() - started, 2)
            figures |= searches(reader, embeddings, corpus.headings[:QUESTIONS])
            figures["memory MB"] = sum(each.memory_info().rss for each in family(holder)) // 1_000_000
        yield figures


def fill(store: Store, rows: Iterator[StoredRow], number: int, location: Path) -> None:
    """Write as an ingest does: a flush after every few windows."""
    while batch := list(islice(rows, min(number, WINDOW * FLUSH_EVERY))):
        store.upsert(batch)
        store.flush()
        number -= len(batch)
    store.begin_root(ROOT, str(location))
    store.end_root(ROOT, store.catch_up())


def syncs(settings: Settings, copies: Path, embeddings: Sequence[EmbeddingModel]) -> dict[str, float]:
    again = partial(ingest, settings, copies, IngestOptions(name=ROOT), embeddings)
    unchanged = again()
    assert unchanged.touched == 0, unchanged
    one = copies / find_docs(open_root(copies)).docs[0]
    one.write_text(one.read_text("utf-8") + f"\nOne more sentence, of {time.time()}.\n", "utf-8")
    changed = again()
    assert (changed.changed, changed.touched) == (1, 1), changed
    return {"nothing changed s": round(unchanged.seconds, 2), "one file changed s": round(changed.seconds, 2)}


def searches(store: Store, embeddings: Sequence[EmbeddingModel], questions: Sequence[str]) -> dict[str, str]:
    field = store.vector_fields[0]
    vectors = {question: embeddings[0].embed_queries([question])[0] for question in questions}
    terms = {question: analyse(question) for question in questions}
    in_one_copy = store.filter_expression({"path": "0/*"})
    limit = candidates(store, K)
    kinds: dict[str, Callable[[str], Any]] = {
        "search": lambda question: retrieve(store, embeddings, question, K),
        "dense": lambda question: store.nearest(field, vectors[question], limit, ""),
        "words": lambda question: store.matching(terms[question], limit, ""),
        "path": lambda question: store.nearest(field, vectors[question], limit, in_one_copy),
    }
    if not store.fingerprint.lexical:
        del kinds["words"]
    return {
        f"{kind} ms": in_milliseconds([timed(partial(work, each)) for each in questions])
        for kind, work in kinds.items()
    }


def in_milliseconds(seconds: Sequence[float]) -> str:
    return " / ".join(f"{value:.0f}" for value in percentiles(seconds))


def process_at(uri: str) -> psutil.Process:
    port = urlsplit(uri).port
    listening = [each.pid for each in psutil.net_connections() if each.status == "LISTEN" and each.laddr[1:] == (port,)]
    return psutil.Process(listening[0])


def family(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)]


def size_of(folder: Path, but: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and but not in path.parents)


def table(title: str, figures: Sequence[Mapping[str, Any]]) -> str:
    names = list(figures[0])
    lines = [f"{title}; milliseconds p50 / p95", "", f"| {' | '.join(names)} |", f"|{' --- |' * len(names)}"]
    return "\n".join(lines + [f"| {' | '.join(str(each[name]) for name in names)} |" for each in figures])


if __name__ == "__main__":
    main()

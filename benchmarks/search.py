"""What a warm search costs beside what it cannot do without. All figures are of one run on one machine.

    python -m benchmarks.search FOLDER [--questions FILE] [--sizes 1000 10000 50000] [--uri URI] [--json FILE]

FOLDER is any folder of Markdown; its headings are the questions, unless FILE holds others (docs/evaluate.md), in other
languages, say. Its chunks fill a collection of each size: copy after copy under other names, with a little noise on the
vectors. Compared are, in turn for each question,

- bare: embedding the question, and the two raw searches of Milvus, for the question's own words, for 200 ids each, as
  many as the two need where nothing else ranks what they find;
- bare, shallow: the same for as many ids as askmd asks for;
- search: `chains.retrieval.retrieve.retrieve`, which does the latter, puts the words into English where the documents
  are in English and the question is not, fuses, compares parts, reads the rows and widens them to passages.
"""

import argparse
import json
import math
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import Any

import numpy as np

from chains.retrieval.asked import Asked
from chains.retrieval.find import CANDIDATES_WITHOUT_PARTS, candidates
from chains.retrieval.retrieve import retrieve
from config.settings import Settings
from experiments.queries import read_queries
from ingest.embed import embed
from ingest.find import find_docs, open_root
from ingest.load import SourceFile, decode, read_bytes
from ingest.pipeline import make_fingerprint
from ingest.rows import NewRow, terms, to_rows
from ingest.split import Split
from ingest.splitter import make_splitter
from store.collection import Store
from store.embeddings import EmbeddingModel, configured_embeddings
from store.lexical import analyse
from store.milvus import open_or_create_store
from store.rows import Embedded, StoredRow

QUESTIONS = 200
K = 5
WARMING = 10
BATCH = 5_000
NOISE = 0.02
ROOT = "copies"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--questions", type=Path, help="a file of questions to ask in place of the headings")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 50_000], help="chunks in the store")
    parser.add_argument("--uri", help="a Milvus server to fill in place of a Milvus Lite file")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        settings = Settings(milvus_uri=options.uri or str(Path(scratch) / "bench.db"), k=K)
        embeddings = configured_embeddings(settings)
        corpus = Corpus(settings, options.folder, embeddings)
        questions = read_questions(options.questions) if options.questions else corpus.headings
        figures = [measure(settings, corpus, questions, size, embeddings) for size in options.sizes]
    print(f"embedding {settings.embedding}, {K} passages, {len(questions)} questions; milliseconds p50 / p95\n")
    ways = [*figures[0]["ms"], *(f"search / {way}" for way in figures[0]["ratios"])]
    print("| chunks | " + " | ".join(ways) + " |")
    print("| --- |" + " --- |" * len(ways))
    for each in figures:
        cells = " | ".join(f"{p50:.1f} / {p95:.1f}" for p50, p95 in each["ms"].values())
        ratios = " | ".join(f"{ratio:.2f}" for ratio in each["ratios"].values())
        print(f"| {each['chunks']} | {cells} | {ratios} |")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")


def read_questions(file: Path) -> list[str]:
    """Give at most QUESTIONS of a file, from all over it."""
    questions = [query.question for query in read_queries(file)]
    return questions[:: math.ceil(len(questions) / QUESTIONS)]


class Corpus:
    """The files of a folder, cut and embedded once."""

    def __init__(self, settings: Settings, folder: Path, embeddings: Sequence[EmbeddingModel]) -> None:
        root = open_root(folder)
        split = make_splitter(settings, embeddings)
        sources = [decode(doc, read_bytes(root, doc)) for doc in find_docs(root).docs]
        self._files: list[tuple[SourceFile, Split]] = [(source, split(source.text)) for source in sources]
        texts = {new.row["embed_hash"]: new.embedded for new in self._copy(0)}
        self._embedded = embed(embeddings, texts)
        self.chunks = sum(1 for _ in self._copy(0))
        self._random = np.random.default_rng(0)
        headings = dict.fromkeys(new.row["headings"][-1] for new in self._copy(0) if len(new.row["headings"]) > 1)
        self.headings = list(islice(headings, QUESTIONS))

    def rows(self) -> Iterator[StoredRow]:
        """Give rows without end."""
        for number in count():
            for new in self._copy(number):
                embedded = [
                    Embedded(self._near(vector), parts) for vector, parts in self._embedded[new.row["embed_hash"]]
                ]
                yield StoredRow(**new.row, lexical=terms(new.row), embedded=embedded)

    def _copy(self, number: int) -> Iterator[NewRow]:
        """A heading of its own keeps a copy from being left out as a repetition of another."""
        for source, split in self._files:
            for new in to_rows(ROOT, replace(source, doc=f"{number}/{source.doc}"), split):
                new.row["headings"] = [f"Copy {number}", *new.row["headings"]]
                yield new

    def _near(self, given: Sequence[float]) -> list[float]:
        vector = np.array(given, np.float32)
        moved = vector + NOISE * self._random.standard_normal(len(vector)).astype(np.float32) / len(vector) ** 0.5
        return list(map(float, moved / np.linalg.norm(moved)))


def measure(
    settings: Settings, corpus: Corpus, questions: Sequence[str], size: int, embeddings: Sequence[EmbeddingModel]
) -> dict[str, Any]:
    settings = settings.model_copy(update={"collection": f"search_{size}"})
    with open_or_create_store(settings, make_fingerprint(settings, embeddings)) as store:
        rows = islice(corpus.rows(), size)
        while batch := list(islice(rows, BATCH)):
            store.upsert(batch)
            store.flush()
        return {"chunks": store.count(), **compare(store, embeddings, questions)}


def compare(store: Store, embeddings: Sequence[EmbeddingModel], questions: Sequence[str]) -> dict[str, Any]:
    """Time all ways for each question in turn, so that whatever slows the machine slows all."""
    seconds: dict[str, list[float]] = {"bare": [], "bare, shallow": [], "search": []}
    for question in [*questions[:WARMING], *questions]:
        number = Asked(store, embeddings, question).number
        embedding, field = embeddings[number], store.vector_fields[number]
        bare = partial(search_bare, store, embedding, field, question, analyse(question))
        seconds["bare"].append(timed(partial(bare, CANDIDATES_WITHOUT_PARTS)))
        seconds["bare, shallow"].append(timed(partial(bare, candidates(store, K))))
        seconds["search"].append(timed(partial(retrieve, store, embeddings, question, K)))
    ms = {way: percentiles(each[WARMING:]) for way, each in seconds.items()}
    p50 = {way: each[0] for way, each in ms.items()}
    return {"ms": ms, "ratios": {way: p50["search"] / p50[way] for way in ("bare", "bare, shallow")}}


def search_bare(  # noqa: PLR0913, PLR0917
    store: Store, embedding: EmbeddingModel, field: str, question: str, analysed: str, limit: int
) -> None:
    store.nearest(field, embedding.embed_queries([question])[0], limit, "")
    store.matching(analysed, limit, "")


def timed(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def percentiles(seconds: Sequence[float]) -> list[float]:
    return [1000 * float(value) for value in np.percentile(seconds, [50, 95])]


if __name__ == "__main__":
    main()

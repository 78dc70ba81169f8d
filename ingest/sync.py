"""Bringing the store in step with a folder: compare the two, then do what is needed, file by file.

Of a file that is new or changed, all rows but the first are written, rows that are no more are deleted, and the first
row is written last. A file whose first row carries its hash is therefore complete, and what a killed run left behind is
made good by the next. Vectors of texts that the store knows, from whatever file, are taken from there.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from time import perf_counter
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

from config.errors import SourceError
from ingest.find import Found, Root
from ingest.load import decode, read_each
from ingest.report import Report, SyncReport
from ingest.rows import NewRow, terms, to_rows
from ingest.split import Split
from store.file_hash import MAX_FILE_BYTES, hash_file
from store.filters import among, equals
from store.milvus import Store
from store.rows import StoredRow

WINDOW = 1_024
"""Chunks that are embedded and written together: enough to sort by length, few enough to hold in memory."""

FLUSH_EVERY = 4
"""Windows written between flushes: Milvus Lite keeps in memory what was not flushed, and each flush makes a segment."""

HASHES_A_QUERY = 1_024


Progress = Callable[[int, int], None]
"""Called before each file with the number of files that are done, and of all."""


def ignore_progress(_done: int, _total: int) -> None:
    """Show no progress."""


class Encoder(Protocol):
    """What sync needs of an embedding model."""

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Give one unit vector a text, as an array of texts x dimensions."""


@dataclass(frozen=True, slots=True)
class Ingestion:
    """What to bring in step, and how."""

    root: Root
    found: Found
    split: Callable[[str], Split]
    encoders: Sequence[Encoder]
    max_file_bytes: int = MAX_FILE_BYTES
    dry_run: bool = False
    allow_empty: bool = False
    on_file: Progress = ignore_progress


@dataclass(frozen=True, slots=True)
class _ChangedFile:
    doc: str
    rows: list[NewRow]


def sync(store: Store | None, ingestion: Ingestion) -> SyncReport:
    """Do it, or with `dry_run` only count. `store` may be None in a dry run where nothing was ingested yet.

    Raises SourceError where a root that has rows would come out empty without `allow_empty`, and whatever the store and
    the embedding model raise; what was written until then stays and is not done again.
    """
    started = perf_counter()
    name = ingestion.root.name
    stored = store.file_hashes(name) if store else {}
    docs = ingestion.found.docs
    if stored and not docs and not ingestion.allow_empty:
        raise SourceError(
            f"no Markdown under {ingestion.root.location}, but {len(stored)} of its files are in the store "
            f"as {name!r}; if they are to go, say so with --allow-empty"
        )
    if store is not None and not ingestion.dry_run:
        store.set_root(name, ingestion.root.location)
    report = SyncReport(reported=list(ingestion.found.unreadable))
    changed_docs: list[str] = []
    known_before = store is not None and store.count() > 0
    seen: dict[str, str] = {}  # for each text of the windows so far, a row that holds it
    last: dict[str, Vectors] = {}  # of the window that may still be on its way into the store
    with _Writer(store, name, was_empty=not known_before) as writer:
        for window in _ahead(_windows(_changes(ingestion, stored, report))):
            changed_docs += [file.doc for file in window]
            report.chunks += sum(len(file.rows) for file in window)
            hashes = {new.row["embed_hash"]: new.row["id"] for file in window for new in file.rows}
            holders = {hash_: seen[hash_] for hash_ in hashes.keys() & seen.keys()}
            if store is not None and known_before:
                holders |= _rows_with(store, sorted(hashes.keys() - seen.keys()))
            if store is None or ingestion.dry_run:
                known: dict[str, Vectors] = {hash_: [] for hash_ in holders}
            else:
                known = {hash_: last[hash_] for hash_ in hashes.keys() & last.keys()}
                known |= store.vectors([holders[hash_] for hash_ in holders.keys() - known.keys()])
            new = _texts_to_embed(window, known)
            seen |= hashes
            report.embedded += len(new)
            if not ingestion.dry_run:
                last = known | _embed(ingestion.encoders, new)
                writer.write(window, last)
    out_of_sight = [doc for doc in stored if not ingestion.found.covers(doc)]
    gone = stored.keys() - {*docs, *out_of_sight}
    report.deleted = len(gone) - report.moved
    if store is not None:
        if not store.fingerprint.lexical:
            report.reported.append(Report(name, "this Milvus has no BM25 (2.5 does): words are not searched for"))
        report.chunks += _count_unchanged(store, name, gone.union(changed_docs))
        if not ingestion.dry_run:
            _delete_gone(store, name, [*docs, *out_of_sight])
            store.flush()
    report.seconds = perf_counter() - started
    return report


def _changes(ingestion: Ingestion, stored: dict[str, str], report: SyncReport) -> Iterator[_ChangedFile]:
    """Read and split the files that the store does not hold as they are, and count all of them."""
    docs = ingestion.found.docs
    present = set(docs)
    gone = Counter(hash_ for doc, hash_ in stored.items() if doc not in present and ingestion.found.covers(doc))
    for done, (doc, data) in enumerate(read_each(ingestion.root, docs, ingestion.max_file_bytes)):
        ingestion.on_file(done, len(docs))
        try:
            if isinstance(data, SourceError):
                raise data
            file_hash = hash_file(data)
            if stored.get(doc) == file_hash:
                report.unchanged += 1
                continue
            source = decode(doc, data)
        except SourceError as error:
            report.reported.append(Report(doc, str(error), skipped=True))
            continue
        split = ingestion.split(source.text)
        rows = to_rows(ingestion.root.name, source, split)
        report.reported += [Report(doc, note) for note in (*source.notes, *split.notes)]
        if not rows:
            report.reported.append(Report(doc, "nothing to index in it"))
        if doc in stored:
            report.changed += 1
        elif gone[file_hash]:
            gone[file_hash] -= 1
            report.moved += 1
        elif rows:
            report.added += 1
        else:
            report.unchanged += 1
        yield _ChangedFile(doc, rows)


def _windows(files: Iterable[_ChangedFile]) -> Iterator[list[_ChangedFile]]:
    window: list[_ChangedFile] = []
    size = 0
    for file in files:
        window.append(file)
        size += len(file.rows)
        if size >= WINDOW:
            yield window
            window, size = [], 0
    if window:
        yield window


def _ahead(windows: Iterator[list[_ChangedFile]]) -> Iterator[list[_ChangedFile]]:
    """Read and split the next window while this one is being embedded."""
    with ThreadPoolExecutor(1, thread_name_prefix="askmd-read") as thread:
        coming = thread.submit(next, windows, None)
        while (window := coming.result()) is not None:
            coming = thread.submit(next, windows, None)
            yield window


Vectors = list[list[float]]
"""Those of one text: one for each embedding model."""


def _embed(encoders: Sequence[Encoder], texts: Mapping[str, str]) -> dict[str, Vectors]:
    by_model = [encoder.embed(list(texts.values())).tolist() for encoder in encoders]
    return {hash_: list(vectors) for hash_, vectors in zip(texts, zip(*by_model, strict=True), strict=True)}


def _rows_with(store: Store, hashes: Sequence[str]) -> dict[str, str]:
    """Give the id of one row for each text that the store knows, however many hold it."""
    return {
        row["embed_hash"]: row["id"]
        for first in range(0, len(hashes), HASHES_A_QUERY)
        for row in store.rows(among("embed_hash", hashes[first : first + HASHES_A_QUERY]), ["embed_hash", "id"])
    }


def _texts_to_embed(window: Sequence[_ChangedFile], known: Mapping[str, Vectors]) -> dict[str, str]:
    return {
        new.row["embed_hash"]: new.embedded
        for file in window
        for new in file.rows
        if new.row["embed_hash"] not in known
    }


class _Writer:
    """Writes one window while the next is being embedded; its failure stops the ingest."""

    def __init__(self, store: Store | None, root: str, *, was_empty: bool) -> None:
        self._store, self._root, self._was_empty = store, root, was_empty
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="askmd-write")
        self._last: Future[None] | None = None
        self._windows = 0

    def write(self, window: Sequence[_ChangedFile], vectors: Mapping[str, Vectors]) -> None:
        """Wait for the window before, then start with this one."""
        self._wait()
        if self._store is not None:
            self._windows += 1
            self._last = self._thread.submit(self._replace, self._store, window, vectors)

    def _replace(self, store: Store, window: Sequence[_ChangedFile], vectors: Mapping[str, Vectors]) -> None:
        before = set() if self._was_empty else _ids_of(store, self._root, window)
        _write(store, window, vectors, before)
        if self._windows % FLUSH_EVERY == 0:
            store.flush()

    def _wait(self) -> None:
        if self._last is not None:
            self._last.result()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._wait()
        finally:
            self._thread.shutdown(wait=True)


def _ids_of(store: Store, root: str, window: Sequence[_ChangedFile]) -> set[str]:
    of_these_files = f"{equals('root', root)} and {among('doc', [file.doc for file in window])}"
    return {row["id"] for row in store.rows(of_these_files, ["id"])}


def _write(
    store: Store, window: Sequence[_ChangedFile], vectors: Mapping[str, Vectors], before: AbstractSet[str]
) -> None:
    def complete(new: NewRow) -> StoredRow:
        return StoredRow(**new.row, lexical=terms(new.row), vectors=vectors[new.row["embed_hash"]])

    rows = [new for file in window for new in file.rows]
    store.upsert([complete(new) for new in rows if new.row["ordinal"] != 0])
    store.delete(sorted(before - {new.row["id"] for new in rows}))
    store.upsert([complete(new) for new in rows if new.row["ordinal"] == 0])


def _count_unchanged(store: Store, root: str, others: Iterable[str]) -> int:
    return store.count(f"{equals('root', root)} and {_not_among('doc', others)}")


def _delete_gone(store: Store, root: str, docs: Iterable[str]) -> None:
    """Delete by what the rows say, not by the first rows alone: a killed run may have left others."""
    stale = store.rows(f"{equals('root', root)} and {_not_among('doc', docs)}", ["id"])
    store.delete([row["id"] for row in stale])


def _not_among(field: str, values: Iterable[str]) -> str:
    return f"not ({among(field, sorted(values))})"

"""Bringing the store in step with a folder: compare the two, then do what is needed, file by file.

Of a file that is new or changed, all rows but the first are written, rows that are no more are deleted, and the first
row is written last. A file whose first row carries its hash is therefore complete, and what a killed run left behind is
made good by the next. Vectors of texts that the store knows, from whatever file, are taken from there.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import Future, ThreadPoolExecutor
from time import perf_counter
from typing import Self

from config.errors import SourceError
from ingest.ingestion import Ingestion, Window
from ingest.prepare import PreparedFile
from ingest.report import Report, SyncReport
from ingest.rows import NewRow, terms
from store.collection import Store
from store.filters import among, equals
from store.rows import Embedded, StoredRow

FLUSH_EVERY = 4
"""Windows written between flushes: Milvus Lite keeps in memory what was not flushed, and each flush makes a segment."""


DOCS_A_QUERY = 1_024


def sync(store: Store | None, ingestion: Ingestion) -> SyncReport:
    """Do it, or with `dry_run` only count. `store` may be None in a dry run where nothing was ingested yet.

    Raises SourceError where a root that has rows would come out empty without `allow_empty`, and whatever the store and
    the embedding model raise; what was written until then stays and is not done again.
    """
    started = perf_counter()
    name = ingestion.root.name
    rows_before = store.catch_up() if store else 0
    stored = store.file_hashes(name) if store else {}
    docs = ingestion.found.docs
    if stored and not docs and not ingestion.allow_empty:
        raise SourceError(
            f"no Markdown under {ingestion.root.location}, but {len(stored)} of its files are in the store "
            f"as {name!r}; if they are to go, say so with --allow-empty"
        )
    if store is not None and not ingestion.dry_run:
        noted = store.begin_root(name, ingestion.root.location)
    report = SyncReport(reported=list(ingestion.found.unreadable))
    out_of_sight = [doc for doc in stored if not ingestion.found.covers(doc)]
    gone = stored.keys() - {*docs, *out_of_sight}
    count = _FileCounts(report, stored, gone)
    changed_docs: list[str] = []
    with _Writer(None if ingestion.dry_run else store, name, was_empty=rows_before == 0) as writer:
        for window in ingestion.engine.windows(ingestion, stored, store):
            for file in window.files:
                count.add(file)
                if file.rows is not None:
                    changed_docs.append(file.doc)
                    report.chunks += len(file.rows)
            report.embedded += len(window.new)
            writer.write(window)
    report.deleted = len(gone) - report.moved
    if store is not None:
        if not store.fingerprint.lexical:
            report.reported.append(Report(name, "this Milvus has no BM25 (2.5 does): words are not searched for"))
        if ingestion.dry_run:
            report.chunks += store.chunks_of(name) - _count(store, _of(name, gone.union(changed_docs)))
        else:
            stale = _others_than(store, name, {*docs, *out_of_sight}) if noted is None else _ids(store, _of(name, gone))
            store.delete(stale)
            chunks = None if noted is None else noted + writer.added - len(stale)
            report.chunks = _finish(store, name, chunks)
    report.seconds = perf_counter() - started
    return report


class _FileCounts:
    """Counts files by what happened to them; `gone` are those of the store that the root no longer has."""

    def __init__(self, report: SyncReport, stored: Mapping[str, str], gone: Iterable[str]) -> None:
        self._report, self._stored = report, stored
        self._gone = Counter(stored[doc] for doc in gone)

    def add(self, file: PreparedFile) -> None:
        """Count one, and keep what is to be said of it."""
        report = self._report
        report.reported += file.reports
        if file.rows is None:
            report.unchanged += not any(each.skipped for each in file.reports)
        elif file.doc in self._stored:
            report.changed += 1
        elif self._gone[file.file_hash]:
            self._gone[file.file_hash] -= 1
            report.moved += 1
        elif file.rows:
            report.added += 1
        else:
            report.unchanged += 1


class _Writer:
    """Writes one window while the next is being embedded; its failure stops the ingest."""

    def __init__(self, store: Store | None, root: str, *, was_empty: bool) -> None:
        self._store, self._root, self._was_empty = store, root, was_empty
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="askmd-write")
        self._last: Future[None] | None = None
        self._windows = 0
        self.added = 0
        """Rows that are more than before; to be read at the end."""

    def write(self, window: Window) -> None:
        """Wait for the window before, then start with this one."""
        self._wait()
        files = [file for file in window.files if file.rows is not None]
        if self._store is not None and files:
            self._windows += 1
            self._last = self._thread.submit(self._replace, self._store, files, window.embedded)

    def _replace(self, store: Store, files: Sequence[PreparedFile], embedded: Mapping[str, Sequence[Embedded]]) -> None:
        before = set() if self._was_empty else _ids_of(store, self._root, files)
        _write(store, files, embedded, before)
        self.added += sum(len(file.rows or ()) for file in files) - len(before)
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


def _ids_of(store: Store, root: str, files: Sequence[PreparedFile]) -> set[str]:
    return set(_ids(store, _of(root, [file.doc for file in files])))


def _write(
    store: Store,
    files: Sequence[PreparedFile],
    embedded: Mapping[str, Sequence[Embedded]],
    before: AbstractSet[str],
) -> None:
    def complete(new: NewRow) -> StoredRow:
        return StoredRow(**new.row, lexical=terms(new.row), embedded=list(embedded[new.row["embed_hash"]]))

    rows = [new for file in files for new in file.rows or ()]
    store.upsert([complete(new) for new in rows if new.row["ordinal"] != 0])
    store.delete(sorted(before - {new.row["id"] for new in rows}))
    store.upsert([complete(new) for new in rows if new.row["ordinal"] == 0])


def _of(root: str, docs: Iterable[str]) -> Iterator[str]:
    """Give expressions for the rows of these files, some files in each."""
    asked = sorted(docs)
    for first in range(0, len(asked), DOCS_A_QUERY):
        yield f"{equals('root', root)} and {among('doc', asked[first : first + DOCS_A_QUERY])}"


def _ids(store: Store, parts: Iterable[str]) -> list[str]:
    return [row["id"] for part in parts for row in store.rows(part, ["id"])]


def _count(store: Store, parts: Iterable[str]) -> int:
    return sum(store.count(part) for part in parts)


def _others_than(store: Store, root: str, docs: AbstractSet[str]) -> list[str]:
    """Give the ids of all rows but those of these files: a run that broke off may have left some of any other."""
    return [row["id"] for row in store.rows(equals("root", root), ["id", "doc"]) if row["doc"] not in docs]


def _finish(store: Store, root: str, chunks: int | None) -> int:
    """Have all that was written be seen, and note how many rows the root has; None: they have to be counted."""
    store.flush()
    store.catch_up()
    chunks = store.count(equals("root", root)) if chunks is None else chunks
    store.end_root(root, chunks)
    return chunks

"""Reading, splitting and embedding on this machine: the next files are read while the ones before are embedded."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ingest.embed import Encoder, embed, holders, texts_of
from ingest.ingestion import Ingestion, Window, in_windows
from ingest.load import read_each
from ingest.prepare import PreparedFile, Splitter, prepare
from store.collection import Store
from store.rows import Embedded


@dataclass(frozen=True, slots=True)
class LocalEngine:
    """An engine (ingest/ingestion.py) in this process."""

    split: Splitter
    encoders: Sequence[Encoder]

    def windows(self, ingestion: Ingestion, stored: Mapping[str, str], store: Store | None) -> Iterator[Window]:
        """See Engine."""
        known_before = store is not None and store.count() > 0
        seen: dict[str, str] = {}  # for each text of the windows so far, a row that holds it
        last: dict[str, list[Embedded]] = {}  # of the window that may still be on its way into the store
        prepared = self._prepare(ingestion, stored)
        for files in _ahead(in_windows(prepared, lambda file: len(file.rows or ()))):
            texts = texts_of(files)
            held = {hash_: seen[hash_] for hash_ in texts.keys() & seen.keys()}
            if store is not None and known_before:
                held |= holders(store, texts.keys() - seen.keys())
            seen |= {new.row["embed_hash"]: new.row["id"] for file in files for new in file.rows or ()}
            if store is None or ingestion.dry_run:
                yield Window(files, {}, texts.keys() - held.keys())
                continue
            known = {hash_: last[hash_] for hash_ in texts.keys() & last.keys()}
            known |= store.embedded([held[hash_] for hash_ in held.keys() - known.keys()])
            new = {hash_: text for hash_, text in texts.items() if hash_ not in known}
            last = known | embed(self.encoders, new)
            yield Window(files, last, new.keys())

    def _prepare(self, ingestion: Ingestion, stored: Mapping[str, str]) -> Iterator[PreparedFile]:
        docs = ingestion.found.docs
        for done, (doc, data) in enumerate(read_each(ingestion.root, docs, ingestion.max_file_bytes)):
            ingestion.on_file(done, len(docs))
            yield prepare(ingestion.root.name, doc, data, stored.get(doc), self.split)


def _ahead(windows: Iterator[list[PreparedFile]]) -> Iterator[list[PreparedFile]]:
    """Read and split the next window while this one is being embedded."""
    with ThreadPoolExecutor(1, thread_name_prefix="askmd-read") as thread:
        coming = thread.submit(next, windows, None)
        while (window := coming.result()) is not None:
            coming = thread.submit(next, windows, None)
            yield window

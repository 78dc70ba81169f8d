"""One file -> its rows, or why it has none. Pure: bytes in, rows out, wherever in a cluster that happens."""

from collections.abc import Callable
from dataclasses import dataclass

from config.errors import SourceError
from ingest.load import decode
from ingest.report import Report
from ingest.rows import NewRow, to_rows
from ingest.split import Split
from store.file_hash import hash_file

Splitter = Callable[[str], Split]


@dataclass(frozen=True, slots=True)
class PreparedFile:
    """A file as it was read. `rows` is None where the store keeps what it has: nothing changed, or it is unreadable."""

    doc: str
    file_hash: str
    rows: list[NewRow] | None
    reports: tuple[Report, ...] = ()


def prepare(root: str, doc: str, data: bytes | SourceError, stored_hash: str | None, split: Splitter) -> PreparedFile:
    """Decode and split a file, unless it is as the store has it; `data` is its bytes, or why they cannot be had."""
    try:
        if isinstance(data, SourceError):
            raise data
        file_hash = hash_file(data)
        if file_hash == stored_hash:
            return PreparedFile(doc, file_hash, None)
        source = decode(doc, data)
    except SourceError as error:
        return PreparedFile(doc, "", None, (Report(doc, str(error), skipped=True),))
    parts = split(source.text)
    rows = to_rows(root, source, parts)
    notes = [*source.notes, *parts.notes, *([] if rows else ["nothing to index in it"])]
    return PreparedFile(doc, file_hash, rows, tuple(Report(doc, note) for note in notes))

"""Text of files that were ingested, and of no others: what is asked for is looked up in the store, not on the disk."""

from dataclasses import dataclass
from pathlib import Path

from config.errors import AskmdError
from ingest.load import decode
from ingest.source_lines import line_starts
from store.collection import FIRST_ROWS, Store
from store.file_hash import MAX_FILE_BYTES, hash_file
from store.filters import equals
from store.location import is_remote, path_of

Lines = tuple[int, int | None]
"""The first and the last line, from 1; None is the last of the file."""


class NoSourceError(AskmdError):
    """`status` 404: no such file was ingested; 410: it was, and cannot be read here now."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.told = message


@dataclass(frozen=True, slots=True)
class SourceText:
    """Lines `start_line` to `end_line`, from 1, of a file of `lines` lines."""

    root: str
    doc: str
    start_line: int
    end_line: int
    lines: int
    text: str
    changed: bool
    """It is not as it was ingested."""


def read_source(store: Store, doc: str, root: str | None = None, lines: Lines = (1, None)) -> SourceText:
    """Read a file of the store, or some of its lines. Raises NoSourceError, and StoreError."""
    places = store.roots()
    for row in store.rows(f"{equals('doc', doc)} and {FIRST_ROWS}", ["root", "file_hash"]):
        if row["root"] in places and root in (None, row["root"]):
            return _read(places[row["root"]], row["root"], doc, row["file_hash"], lines)
    raise NoSourceError(404, "no such document was ingested")


def _read(location: str, root: str, doc: str, file_hash: str, lines: Lines) -> SourceText:
    data = _bytes(location, doc)
    text = decode(doc, data).text
    starts = [*line_starts(text), len(text)]
    number = len(starts) - 1
    first, last = lines[0], min(number, lines[1] or number)
    if not 1 <= first <= last:
        raise NoSourceError(404, f"the document has {number} lines; lines {first} to {lines[1]} were asked for")
    shown = text[starts[first - 1] : starts[last]]
    return SourceText(root, doc, first, last, number, shown, hash_file(data) != file_hash)


def _bytes(location: str, doc: str) -> bytes:
    """Read a file within the folder of its root, wherever links lead; others may write to the store."""
    gone = NoSourceError(410, "the document was ingested, and cannot be read here now")
    if is_remote(location):  # reading whatever address the store names would let its writers use this server
        raise gone
    path = Path(path_of(location, doc))
    folder = path.parent if path == Path(location) else Path(location)
    try:
        file = path.resolve(strict=True)
        if not file.is_relative_to(folder.resolve()) or not file.is_file() or file.stat().st_size > MAX_FILE_BYTES:
            raise gone
        return file.read_bytes()
    except (OSError, RuntimeError, ValueError):
        raise gone from None

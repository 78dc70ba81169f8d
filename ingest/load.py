"""Reading and decoding Markdown files, with everything odd about them noted."""

import codecs
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from config.errors import SourceError
from ingest.find import Root
from store.file_hash import MAX_FILE_BYTES, hash_file

READERS = 16
"""Files of a remote folder that are read at a time: each is a round trip."""
_UTF_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file as it was decoded. `doc` is its path below the root, with forward slashes."""

    doc: str
    text: str
    file_hash: str
    notes: tuple[str, ...] = ()


def read_bytes(root: Root, doc: str, max_bytes: int = MAX_FILE_BYTES) -> bytes:
    """Read a file. Raises SourceError with the reason for one that cannot be ingested."""
    try:
        doc.encode()
    except UnicodeEncodeError:
        raise SourceError("its name is not valid Unicode") from None
    try:
        size = (root.folder / doc).stat().st_size if isinstance(root.folder, Path) else root.folder.size(doc)
        if size > max_bytes:
            raise SourceError(f"{size:,} bytes, more than the limit of {max_bytes:,}")
        return (root.folder / doc).read_bytes() if isinstance(root.folder, Path) else root.folder.read(doc)
    except OSError as error:
        raise SourceError(error.strerror or str(error)) from None


def read_each(
    root: Root, docs: Sequence[str], max_bytes: int = MAX_FILE_BYTES
) -> Iterator[tuple[str, bytes | SourceError]]:
    """Read files in their order, those of a remote folder some at a time; give the reason for what cannot be read."""
    if isinstance(root.folder, Path):
        yield from ((doc, _try_to_read(root, doc, max_bytes)) for doc in docs)
        return
    coming: deque[tuple[str, Future[bytes | SourceError]]] = deque()
    with ThreadPoolExecutor(READERS, thread_name_prefix="askmd-fetch") as threads:
        for doc in docs:
            coming.append((doc, threads.submit(_try_to_read, root, doc, max_bytes)))
            if len(coming) > READERS:
                first, read = coming.popleft()
                yield first, read.result()
        yield from ((doc, read.result()) for doc, read in coming)


def _try_to_read(root: Root, doc: str, max_bytes: int) -> bytes | SourceError:
    try:
        return read_bytes(root, doc, max_bytes)
    except SourceError as error:
        return error


def decode(doc: str, data: bytes) -> SourceFile:
    """Decode a file; a guess or a repair goes into its notes.

    Line ends stay as they are, and so does a UTF-8 byte order mark, as `open(newline="")` gives both. Raises
    SourceError.
    """
    text, notes = _decode(data)
    if (surrogates := sum("\ud800" <= character <= "\udfff" for character in text)) or "\0" in text:
        notes.append(f"{text.count(chr(0))} NUL and {surrogates} lone surrogate characters were replaced")
        text = "".join("\ufffd" if c == "\0" or "\ud800" <= c <= "\udfff" else c for c in text)
    return SourceFile(doc, text, hash_file(data), tuple(notes))


def _decode(data: bytes) -> tuple[str, list[str]]:
    for mark, encoding in _UTF_BOMS:
        if data.startswith(mark):
            return _decode_marked(data, encoding)
    try:
        return data.decode("utf-8"), []
    except UnicodeDecodeError as error:
        return _decode_damaged(data, error.start)


def _decode_marked(data: bytes, encoding: str) -> tuple[str, list[str]]:
    try:
        return data.decode(encoding, errors="surrogatepass"), []
    except UnicodeDecodeError as error:
        repaired = data.decode(encoding, errors="replace")
        return repaired, [f"not valid {encoding} from byte {error.start} on; what is damaged was replaced"]


def _decode_damaged(data: bytes, at: int) -> tuple[str, list[str]]:
    """Read what is not UTF-8: UTF-8 with a few damaged characters is repaired, for the rest an encoding is guessed."""
    try:
        return data.decode("utf-8", errors="surrogatepass"), []
    except UnicodeDecodeError:
        repaired = data.decode("utf-8", errors="replace")
    damaged = repaired.count("\ufffd")
    if damaged * 20 < sum(character > "\x7f" for character in repaired):
        return repaired, [f"not valid UTF-8 from byte {at} on; {damaged} damaged characters were replaced"]
    import chardet

    encoding = chardet.detect(data)["encoding"]
    if encoding is None:
        raise SourceError("not text in any encoding that can be told")
    return data.decode(encoding, errors="replace"), [f"not UTF-8; read as {encoding}, which is a guess"]

"""Whether the files that passages came from are still as they were ingested.

Where a file lies is said by the store, which others may write to: nothing outside the folder of its root is read. A
root whose folder is not on this machine tells nothing: what cannot be reached is not gone.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from chains.schema import Evidence, Stale
from store.file_hash import MAX_FILE_BYTES, hash_file

_LINE_END = re.compile(r"\r\n|\r")
SHOWN_FILES = 3


@dataclass(frozen=True, slots=True)
class _File:
    """What became of a file; with its text where it changed and is UTF-8."""

    stale: Stale | None
    text: str | None = None


_UNKNOWN = _File(None)


def mark_stale(evidence: Sequence[Evidence]) -> list[Evidence]:
    """Give the passages; those of files that changed or are gone get `stale`, and `line_now` where it can be told."""
    files = {key: _look_at(*key) for key in {(each["path"], each["doc"], each["file_hash"]) for each in evidence}}
    return [_mark(each, files[each["path"], each["doc"], each["file_hash"]]) for each in evidence]


def stale_notices(evidence: Sequence[Evidence]) -> list[str]:
    """Give a sentence that names the files that are not as they were ingested; none if all are."""
    parts = []
    for stale, verb in (("changed", "changed"), ("gone", "vanished")):
        docs = list(dict.fromkeys(each["doc"] for each in evidence if each.get("stale") == stale))
        if docs:
            more = f" and {len(docs) - SHOWN_FILES} more" if len(docs) > SHOWN_FILES else ""
            parts.append(f"{', '.join(docs[:SHOWN_FILES])}{more} {verb}")
    return [f"{' and '.join(parts)} since the last ingest; run: askmd ingest PATH"] if parts else []


def _look_at(path: str, doc: str, file_hash: str) -> _File:
    folder = _root_folder(path, doc)
    try:
        if folder is None or not folder.is_dir():
            return _UNKNOWN
        file = (folder / doc).resolve(strict=True)
        if not file.is_relative_to(folder.resolve()) or not file.is_file():
            return _File("gone")  # ingest would not take it either
        with file.open("rb") as opened:
            data = opened.read(MAX_FILE_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return _File("gone")
    except (OSError, RuntimeError, ValueError):  # no right to read it, a circle of links, a name that no file has
        return _UNKNOWN
    if len(data) > MAX_FILE_BYTES:
        return _File("changed")  # it was smaller when it was ingested
    return _UNKNOWN if hash_file(data) == file_hash else _File("changed", _decode(data))


def _root_folder(path: str, doc: str) -> Path | None:
    """Give the folder of the root: `path` without `doc`. None if the two do not belong together or lead elsewhere."""
    full, parts = Path(path), PurePosixPath(doc).parts
    if not full.is_absolute() or not parts or parts[0] == "/" or ".." in parts or full.parts[-len(parts) :] != parts:
        return None
    return full.parents[len(parts) - 1]


def _decode(data: bytes) -> str | None:
    """Decode as ingest does what is valid UTF-8; an encoding that had to be guessed might be guessed otherwise now."""
    try:
        return data.decode("utf-8").replace("\0", "\ufffd")
    except UnicodeDecodeError:
        return None


def _mark(passage: Evidence, file: _File) -> Evidence:
    if file.stale is None:
        return passage
    marked: Evidence = {**passage, "stale": file.stale}
    if file.text is not None:
        marked["line_now"] = _line_now(file.text, passage)
    return marked


def _line_now(text: str, passage: Evidence) -> int | None:
    """Find the passage in what its file holds now, nearest to where it was; line ends may have become others."""
    for now, then in ((text, passage["text"]), (_even(text), _even(passage["text"]))):
        start = passage["start"]
        places = [place for place in (now.rfind(then, 0, start + len(then)), now.find(then, start)) if place >= 0]
        if places:
            return _even(now[: min(places, key=lambda place: abs(place - start))]).count("\n") + 1
    return None


def _even(text: str) -> str:
    return _LINE_END.sub("\n", text)

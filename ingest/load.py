"""Finding Markdown files under a folder and reading them, with everything odd about them reported."""

import codecs
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pathspec import GitIgnoreSpec

from config.errors import SourceError
from store.file_hash import MAX_FILE_BYTES, hash_file

MARKDOWN_SUFFIXES = (".md", ".markdown", ".mdx")
IGNORE_FILES = (".gitignore", ".askmdignore")
_UTF_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, slots=True)
class Root:
    """What is ingested under one name: a folder, or a single file in its folder."""

    name: str
    folder: Path
    only: str | None = None

    @property
    def location(self) -> Path:
        """The absolute path that was ingested: the folder, or the single file."""
        return self.folder / self.only if self.only else self.folder


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file as it was decoded. `doc` is its path below the root, with forward slashes."""

    doc: str
    text: str
    file_hash: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """Something the user should know of a file; `skipped` where it could not be ingested."""

    doc: str
    reason: str
    skipped: bool = field(default=False, kw_only=True)


def open_root(path: Path, name: str | None = None) -> Root:
    """Make a root of a folder or a file; named as it is, unless another name is given. Raises SourceError."""
    if not path.exists():
        raise SourceError(f"{path} does not exist")
    full = path.resolve()
    if full.is_dir():
        return Root(name or full.name or "root", full)
    if full.is_file():
        return Root(name or full.name, full.parent, only=full.name)
    raise SourceError(f"{path} is neither a folder nor a file")


@dataclass(frozen=True, slots=True)
class Found:
    """The Markdown files of a root in a stable order, and the folders that could not be looked into."""

    docs: list[str]
    unreadable: list[Report] = field(default_factory=list)

    def covers(self, doc: str) -> bool:
        """Tell whether a file would have been found if it were there."""
        return not any(report.doc == "." or doc.startswith(f"{report.doc}/") for report in self.unreadable)


def find_docs(root: Root, include: Sequence[str] = (), exclude: Sequence[str] = ()) -> Found:
    """Look for the Markdown files of a root.

    Hidden files and folders are left out, and what `.gitignore` and `.askmdignore` inside the root ignore. `include`
    takes the place of the usual file names (`*.md`, `*.markdown`, `*.mdx`); `exclude` has the last word; both are
    written like the lines of a `.gitignore`. Links are followed where they lead to something inside the root, but never
    in a circle.
    """
    if root.only is not None:
        return Found([root.only])
    unreadable: list[Report] = []

    def on_error(folder: Path, error: OSError) -> None:
        doc = folder.relative_to(root.folder).as_posix()
        unreadable.append(Report(doc, f"the folder cannot be read: {error.strerror}", skipped=True))

    wanted = GitIgnoreSpec.from_lines(include) if include else None
    unwanted = GitIgnoreSpec.from_lines(exclude)
    found = []
    for path in _walk(root.folder, root.folder, (), (root.folder.resolve(),), on_error):
        doc = path.relative_to(root.folder).as_posix()
        suits = wanted.match_file(doc) if wanted else path.suffix.lower() in MARKDOWN_SUFFIXES
        if suits and not unwanted.match_file(doc):
            found.append(doc)
    return Found(sorted(found), unreadable)


_Ignores = tuple[tuple[Path, GitIgnoreSpec], ...]
_OnError = Callable[[Path, OSError], None]


def _walk(
    folder: Path, top: Path, ignores: _Ignores, ancestors: tuple[Path, ...], on_error: _OnError
) -> Iterator[Path]:
    try:
        ignores = (*ignores, *_read_ignores(folder))
        with os.scandir(folder) as entries:
            paths = sorted(Path(entry.path) for entry in entries if not entry.name.startswith("."))
    except OSError as error:
        on_error(folder, error)
        return
    for path in paths:
        is_folder = path.is_dir()
        if _is_ignored(path, is_folder, ignores):
            continue
        target = path.resolve()
        if path.is_symlink() and not target.is_relative_to(top.resolve()):
            continue
        if not is_folder:
            yield path
        elif target not in ancestors:
            yield from _walk(path, top, ignores, (*ancestors, target), on_error)


def _read_ignores(folder: Path) -> Iterator[tuple[Path, GitIgnoreSpec]]:
    for name in IGNORE_FILES:
        if (folder / name).is_file():
            text = (folder / name).read_text("utf-8", errors="replace")
            yield folder, GitIgnoreSpec.from_lines(text.splitlines())


def _is_ignored(path: Path, is_folder: bool, ignores: _Ignores) -> bool:
    ignored = False
    for folder, spec in ignores:
        verdict = spec.check_file(path.relative_to(folder).as_posix() + "/" * is_folder).include
        ignored = ignored if verdict is None else verdict
    return ignored


def read_bytes(root: Root, doc: str, max_bytes: int = MAX_FILE_BYTES) -> bytes:
    """Read a file. Raises SourceError with the reason for one that cannot be ingested."""
    try:
        doc.encode()
    except UnicodeEncodeError:
        raise SourceError("its name is not valid Unicode") from None
    path = root.folder / doc
    try:
        if (size := path.stat().st_size) > max_bytes:
            raise SourceError(f"{size:,} bytes, more than the limit of {max_bytes:,}")
        return path.read_bytes()
    except OSError as error:
        raise SourceError(error.strerror or str(error)) from None


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

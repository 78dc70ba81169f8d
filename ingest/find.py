"""Finding the Markdown files of a folder, on this machine or anywhere that fsspec reaches."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from pathspec import GitIgnoreSpec

from config.errors import SourceError
from ingest.remote import RemoteFolder, open_remote
from ingest.report import Report
from store.location import is_remote

MARKDOWN_SUFFIXES = (".md", ".markdown", ".mdx")
IGNORE_FILES = (".gitignore", ".askmdignore")


@dataclass(frozen=True, slots=True)
class Root:
    """What is ingested under one name: a folder, or a single file in its folder."""

    name: str
    folder: Path | RemoteFolder
    only: str | None = None

    @property
    def location(self) -> str:
        """What was ingested: the absolute path, or the address, of the folder or of the single file."""
        if isinstance(self.folder, RemoteFolder):
            return self.folder.address
        return str(self.folder / self.only if self.only else self.folder)


def open_root(location: Path | str, name: str | None = None) -> Root:
    """Make a root of a folder or a file; named as it is, unless another name is given. Raises SourceError."""
    if isinstance(location, str) and is_remote(location):
        folder, only = open_remote(location)
        return Root(name or only or PurePosixPath(folder.path).name or "root", folder, only)
    path = Path(location)
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

    def on_error(folder: str, error: OSError) -> None:
        reason = f"the folder cannot be read: {error.strerror or error}"
        unreadable.append(Report(folder or ".", reason, skipped=True))

    wanted = GitIgnoreSpec.from_lines(include) if include else None
    unwanted = GitIgnoreSpec.from_lines(exclude)
    found = []
    tree = _open_tree(root.folder)
    for doc in _walk(tree, "", (), (tree.identity,), on_error):
        suits = wanted.match_file(doc) if wanted else PurePosixPath(doc).suffix.lower() in MARKDOWN_SUFFIXES
        if suits and not unwanted.match_file(doc):
            found.append(doc)
    return Found(sorted(found), unreadable)


@dataclass(frozen=True, slots=True)
class _Entry:
    """A file or folder; `identity` is the same for a folder and for a link to it."""

    name: str
    is_folder: bool
    identity: str


@dataclass(frozen=True, slots=True)
class _Tree:
    """How to look into a folder, and read a file of it. Both raise OSError."""

    identity: str
    entries: Callable[[str], list[_Entry]]
    read: Callable[[str], bytes]


def _open_tree(folder: Path | RemoteFolder) -> _Tree:
    if isinstance(folder, Path):
        top = folder.resolve()
        return _Tree(
            str(top), lambda below: _local_entries(top, folder / below), lambda doc: (folder / doc).read_bytes()
        )
    return _Tree(
        "",
        lambda below: [_Entry(name, is_folder, f"{below}/{name}") for name, is_folder in folder.entries(below)],
        folder.read,
    )


def _local_entries(top: Path, folder: Path) -> list[_Entry]:
    with os.scandir(folder) as entries:
        paths = sorted(Path(entry.path) for entry in entries)
    found = []
    for path in paths:
        target = path.resolve()
        if target.is_relative_to(top) or not path.is_symlink():
            found.append(_Entry(path.name, path.is_dir(), str(target)))
    return found


_Ignores = tuple[tuple[str, GitIgnoreSpec], ...]
"""Each with the folder whose files it speaks of."""


def _walk(
    tree: _Tree, folder: str, ignores: _Ignores, ancestors: tuple[str, ...], on_error: Callable[[str, OSError], None]
) -> Iterator[str]:
    try:
        entries = tree.entries(folder)
        ignores = (*ignores, *_read_ignores(tree, folder, entries))
    except OSError as error:
        on_error(folder, error)
        return
    for entry in entries:
        doc = f"{folder}/{entry.name}" if folder else entry.name
        if entry.name.startswith(".") or _is_ignored(doc, entry.is_folder, ignores):
            continue
        if not entry.is_folder:
            yield doc
        elif entry.identity not in ancestors:
            yield from _walk(tree, doc, ignores, (*ancestors, entry.identity), on_error)


def _read_ignores(tree: _Tree, folder: str, entries: Sequence[_Entry]) -> Iterator[tuple[str, GitIgnoreSpec]]:
    files = {entry.name for entry in entries if not entry.is_folder}
    for name in IGNORE_FILES:
        if name in files:
            text = tree.read(f"{folder}/{name}" if folder else name).decode("utf-8", errors="replace")
            yield folder, GitIgnoreSpec.from_lines(text.splitlines())


def _is_ignored(doc: str, is_folder: bool, ignores: _Ignores) -> bool:
    ignored = False
    for folder, spec in ignores:
        verdict = spec.check_file(doc.removeprefix(f"{folder}/" if folder else "") + "/" * is_folder).include
        ignored = ignored if verdict is None else verdict
    return ignored

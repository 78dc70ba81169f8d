"""What an ingest is about, and what it asks of the engine that reads, splits and embeds for it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Protocol, TypeVar

from ingest.find import Found, Root
from ingest.prepare import PreparedFile
from store.collection import Store
from store.file_hash import MAX_FILE_BYTES
from store.rows import Embedded

WINDOW = 1_024
"""Chunks that are embedded and written together: enough to sort by length, few enough to hold in memory."""

_File = TypeVar("_File")

Progress = Callable[[int, int], None]
"""Called with the number of files that are read, and of all."""


def ignore_progress(_done: int, _total: int) -> None:
    """Show no progress."""


@dataclass(frozen=True, slots=True)
class Window:
    """Some files in their order, what the models made of all their rows by `embed_hash`, and which texts are new.

    No text is new in two windows. In a dry run nothing is embedded.
    """

    files: Sequence[PreparedFile]
    embedded: Mapping[str, Sequence[Embedded]]
    new: AbstractSet[str]


class Engine(Protocol):
    """Reads, splits and embeds the files of an ingest, on this machine or on many."""

    def windows(self, ingestion: "Ingestion", stored: Mapping[str, str], store: Store | None) -> Iterator[Window]:
        """Give all files of the ingestion in their order; `stored` has the hashes of those that the store holds.

        A window is written before the one after the next is asked for. Raises StoreError,
        EmbeddingError and EngineError.
        """


@dataclass(frozen=True, slots=True)
class Ingestion:
    """What to bring in step, and how."""

    root: Root
    found: Found
    engine: Engine
    max_file_bytes: int = MAX_FILE_BYTES
    dry_run: bool = False
    allow_empty: bool = False
    on_file: Progress = ignore_progress


def in_windows(files: Iterable[_File], rows_of: Callable[[_File], int]) -> Iterator[list[_File]]:
    """Put files together until they have WINDOW rows, or are so many."""
    window: list[_File] = []
    size = 0
    for file in files:
        window.append(file)
        size += rows_of(file)
        if max(size, len(window)) >= WINDOW:
            yield window
            window, size = [], 0
    if window:
        yield window

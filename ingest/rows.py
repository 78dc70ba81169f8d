"""Chunks of one file -> the rows that the store keeps of them."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ingest.chunk import Chunk
from ingest.split import embedded_text
from store.rows import Row


@dataclass(frozen=True, slots=True)
class NewRow:
    """A row without its vector, and the text that has to be embedded for it."""

    row: Row
    embedded: str


def to_rows(root: str, doc: str, file_hash: str, chunks: Sequence[Chunk], front_matter: dict[str, Any]) -> list[NewRow]:
    """Make the rows of a file, in order."""
    seen: Counter[tuple[tuple[str, ...], str]] = Counter()
    rows = []
    for ordinal, chunk in enumerate(chunks):
        occurrence = seen[(chunk.headings, chunk.text)]
        seen[(chunk.headings, chunk.text)] += 1
        embedded = embedded_text(chunk).strip() or " › ".join(chunk.headings) or doc  # a picture alone has no words
        row = Row(
            id=digest(root, doc, *chunk.headings, chunk.text, str(occurrence)),
            root=root,
            doc=doc,
            text=chunk.text,
            ordinal=ordinal,
            file_hash=file_hash,
            embed_hash=digest(embedded),
            start=chunk.start,
            end=chunk.end,
            start_line=chunk.start_line,
            end_line=chunk.end_line,
            headings=list(chunk.headings),
            slug=chunk.slug,
            section_start=chunk.section_start,
            section_end=chunk.section_end,
            front_matter=front_matter,
        )
        rows.append(NewRow(row, embedded))
    return rows


def digest(*parts: str) -> str:
    """Hash texts so that no two lists of them run together: 32 hexadecimal digits of BLAKE2b."""
    state = hashlib.blake2b(digest_size=16)
    for part in parts:
        data = part.encode()
        state.update(len(data).to_bytes(8, "big"))
        state.update(data)
    return state.hexdigest()

"""Chunks of one file -> the rows that the store keeps of them."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ingest.chunk import Chunk
from ingest.load import SourceFile
from ingest.split import Split, embedded_text
from store.lexical import analyse
from store.rows import MAX_LEXICAL_BYTES, NEIGHBOURS, Row


@dataclass(frozen=True, slots=True)
class NewRow:
    """A row without its vectors, and the text that has to be embedded for it."""

    row: Row
    embedded: str


def to_rows(root: str, source: SourceFile, split: Split) -> list[NewRow]:
    """Make the rows of a file, in order."""
    chunks, doc = split.chunks, source.doc
    ids = _ids(root, doc, chunks)
    rows = []
    for ordinal, chunk in enumerate(chunks):
        embedded = embedded_text(chunk).strip() or " › ".join(chunk.headings) or doc  # a picture alone has no words
        row = Row(
            id=ids[ordinal],
            root=root,
            doc=doc,
            text=chunk.text,
            ordinal=ordinal,
            file_hash=source.file_hash,
            embed_hash=digest(embedded),
            start=chunk.start,
            end=chunk.end,
            start_line=chunk.start_line,
            end_line=chunk.end_line,
            headings=list(chunk.headings),
            slug=chunk.slug,
            section_start=chunk.section_start,
            section_end=chunk.section_end,
            gap=_gap(source.text, chunks, ordinal),
            near=_near(chunks, ids, ordinal),
            front_matter=split.metadata,
        )
        rows.append(NewRow(row, embedded))
    return rows


def _ids(root: str, doc: str, chunks: Sequence[Chunk]) -> list[str]:
    seen: Counter[tuple[tuple[str, ...], str]] = Counter()
    ids = []
    for chunk in chunks:
        occurrence = seen[(chunk.headings, chunk.text)]
        seen[(chunk.headings, chunk.text)] += 1
        ids.append(digest(root, doc, *chunk.headings, chunk.text, str(occurrence)))
    return ids


def _gap(text: str, chunks: Sequence[Chunk], ordinal: int) -> str:
    return text[chunks[ordinal].end : chunks[ordinal + 1].start] if ordinal + 1 < len(chunks) else ""


def _near(chunks: Sequence[Chunk], ids: Sequence[str], ordinal: int) -> list[str]:
    section = chunks[ordinal].section_start
    around = range(max(0, ordinal - NEIGHBOURS), min(len(chunks), ordinal + NEIGHBOURS + 1))
    return [ids[other] for other in around if chunks[other].section_start == section]


def terms(row: Row) -> str:
    """Give what BM25 is to find the row by."""
    analysed = analyse("\n".join([*row["headings"], row["text"]]))
    if len(analysed.encode()) <= MAX_LEXICAL_BYTES:
        return analysed
    return analysed.encode()[:MAX_LEXICAL_BYTES].decode(errors="ignore").rpartition(" ")[0]


def digest(*parts: str) -> str:
    """Hash texts so that no two lists of them run together: 32 hexadecimal digits of BLAKE2b."""
    state = hashlib.blake2b(digest_size=16)
    for part in parts:
        data = part.encode()
        state.update(len(data).to_bytes(8, "big"))
        state.update(data)
    return state.hexdigest()

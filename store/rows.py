"""The fields of a row: one chunk of one file, with its vector and what is needed to cite and to sync it."""

from typing import Any, NamedTuple, TypedDict


class Row(TypedDict):
    """What the store holds of a chunk. `id`, `doc` and `root` together with the hashes are all that sync needs."""

    id: str
    root: str
    doc: str
    """Path of the file below its root, with forward slashes."""
    text: str
    ordinal: int
    """Place of the chunk in its file. Row 0 is written last: where it is, with a file's hash, the file is complete."""
    file_hash: str
    embed_hash: str
    """Hash of the embedded text: rows with the same one have the same vector."""
    start: int
    end: int
    start_line: int
    end_line: int
    headings: list[str]
    slug: str
    section_start: int
    section_end: int
    gap: str
    """The blank characters between this chunk and the next: with them, neighbours join to an exact slice."""
    near: list[str]
    """Ids of the chunks around it in its section, itself among them, in their order."""
    front_matter: dict[str, Any]


class Embedded(NamedTuple):
    """What an embedding model makes of a text."""

    vector: list[float]
    parts: str
    """Packed (store/parts.py); empty where the model, or the collection, has none."""


class StoredRow(Row):
    """A row as it is written: with what is searched."""

    lexical: str
    """The terms of breadcrumb and text, for BM25."""
    embedded: list[Embedded]
    """One for each embedding model of the collection; vector and parts have fields of their own in Milvus."""


class ReadRow(NamedTuple):
    """A row as a search reads it."""

    row: Row
    parts: dict[int, str]
    """Packed, by the number of the embedding model, for those that were asked for; empty where the row has none."""


def vector_field(number: int) -> str:
    """Name the field of the embedding model with that place in the collection's list, from 0."""
    return "vector" if number == 0 else f"vector_{number + 1}"


def parts_field(number: int) -> str:
    """Name the field of the parts that belong to `vector_field(number)`."""
    return "parts" if number == 0 else f"parts_{number + 1}"


MAX_TEXT_BYTES = 65_535
"""Milvus servers count the length of a VARCHAR in bytes; Milvus Lite counts characters."""

MAX_LEXICAL_BYTES = 60_000

MAX_FRONT_MATTER_BYTES = 16_384
"""As JSON. Of a row, all that has no field of its own in the schema shares 65,536 bytes on a server."""

NEIGHBOURS = 8
"""Chunks before and after that a row knows of: more than a passage has room for."""

MAX_NAME_BYTES = 4_096
"""Room for a path or a root's name."""

SHOWN_FIELDS = list(Row.__annotations__)
"""All that a reader of rows needs; not what is only searched."""

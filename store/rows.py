"""The fields of a row: one chunk of one file, with its vector and what is needed to cite and to sync it."""

from typing import Any, NotRequired, TypedDict


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
    front_matter: dict[str, Any]
    vector: NotRequired[list[float]]


MAX_TEXT_BYTES = 65_535
"""Milvus servers count the length of a VARCHAR in bytes; Milvus Lite counts characters."""

MAX_NAME_BYTES = 4_096
"""Room for a path or a root's name."""

ALL_BUT_VECTOR = [name for name in Row.__annotations__ if name != "vector"]

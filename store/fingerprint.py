"""What a collection was built with. Rows built with anything else must not be mixed with it."""

import json
from dataclasses import asdict, dataclass, fields
from typing import Self

SCHEMA_VERSION = 2
"""Raised whenever the fields of a row, or what they mean, change."""

PARTS_VERSION = 2
"""Raised whenever texts are divided into other parts, or these are packed in another way."""

LEXICAL_VERSION = 1
"""Raised whenever the analysis of store/lexical.py gives other terms."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """`embedding` and `dims` (one for each of its models) decide whether vectors compare, `lexical` whether terms do,
    and the rest whether chunks are cut alike.
    """

    embedding: str
    dims: tuple[int, ...]
    lexical: int
    """Version of the analysis whose terms are searched; 0 where Milvus has no BM25."""
    splitter: str
    chunk_tokens: int
    index: str = "FLAT"
    """Of the vectors; it decides how they are searched."""
    parts: int = 0
    """Version of the parts that rows hold beside their vectors; 0 where the models tell none apart."""
    schema: int = SCHEMA_VERSION

    def to_json(self) -> str:
        """Write it for the properties of a collection."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote, by this version or another. Raises ValueError for anything else."""
        values = json.loads(text)
        if not isinstance(values, dict) or "embedding" not in values:
            raise ValueError(f"not a fingerprint: {text!r}")
        unknown = {field.name: "unknown" if field.type is str else 0 for field in fields(cls)}
        unknown["index"] = "FLAT"  # older versions knew no other
        known = {name: values.get(name, default) for name, default in unknown.items()}
        return cls(**{**known, "dims": tuple(values.get("dims", ()))})

    def differences(self, other: "Fingerprint") -> list[str]:
        """Name each thing in which `self` (the store) differs from `other` (the settings)."""
        mine, wanted = asdict(self), asdict(other)
        return [f"{name} {mine[name]!r}, not {wanted[name]!r}" for name in mine if mine[name] != wanted[name]]

"""A Milvus Lite file, an encoder whose vectors need no model, and Markdown to put in."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from store.parts import pack

DIM = 16


class CountingEncoder:
    """Gives each text a vector made of its hash, and counts the texts it was given."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def embed_in_parts(self, texts: Sequence[str]) -> tuple[npt.NDArray[np.float32], list[str]]:
        """Give unit vectors, one row a text, and as its parts the vectors of its words."""
        self.texts += texts
        vectors = np.stack([_vector(text) for text in texts]) if texts else np.zeros((0, DIM), np.float32)
        return vectors, [pack(np.array([_vector(word) for word in text.split()])) for text in texts]


def _vector(text: str) -> npt.NDArray[np.float32]:
    seed = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")
    vector = np.random.default_rng(seed).normal(size=DIM).astype(np.float32)
    return vector / np.linalg.norm(vector)


def word_starts(text: str) -> list[int]:
    """Count a word as a token."""
    return [i for i, c in enumerate(text) if not c.isspace() and (i == 0 or text[i - 1].isspace())]


def write_files(folder: Path, files: Mapping[str, str]) -> Path:
    """Make a folder hold exactly these Markdown files."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.rglob("*.md"):
        if path.relative_to(folder).as_posix() not in files:
            path.unlink()
    for doc, text in files.items():
        (folder / doc).parent.mkdir(parents=True, exist_ok=True)
        (folder / doc).write_bytes(text.encode())
    return folder

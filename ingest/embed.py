"""Texts -> vectors and parts: from a row of the store that has the same text, else from the embedding models."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ingest.prepare import PreparedFile
from store.collection import Store
from store.filters import among
from store.rows import Embedded

HASHES_A_QUERY = 1_024


class Encoder(Protocol):
    """What ingestion needs of an embedding model."""

    def embed_in_parts(self, texts: Sequence[str]) -> tuple[npt.NDArray[np.float32], list[str]]:
        """Give one unit vector a text, as an array of texts x dimensions, and the packed parts of each text."""


def texts_of(files: Iterable[PreparedFile]) -> dict[str, str]:
    """Give the texts to embed of all rows, each once, by `embed_hash`."""
    return {new.row["embed_hash"]: new.embedded for file in files for new in file.rows or ()}


def holders(store: Store, hashes: Iterable[str]) -> dict[str, str]:
    """Give the id of one row for each text that the store knows, however many hold it. Raises StoreError."""
    asked = sorted(hashes)
    return {
        row["embed_hash"]: row["id"]
        for first in range(0, len(asked), HASHES_A_QUERY)
        for row in store.rows(among("embed_hash", asked[first : first + HASHES_A_QUERY]), ["embed_hash", "id"])
    }


def embed(encoders: Sequence[Encoder], texts: Mapping[str, str]) -> dict[str, list[Embedded]]:
    """Give what each encoder makes of each text. Raises EmbeddingError."""
    by_model = [_embed(encoder, list(texts.values())) for encoder in encoders]
    return {hash_: list(each) for hash_, each in zip(texts, zip(*by_model, strict=True), strict=True)}


def _embed(encoder: Encoder, texts: Sequence[str]) -> list[Embedded]:
    vectors, parts = encoder.embed_in_parts(texts)
    return [Embedded(*each) for each in zip(vectors.tolist(), parts, strict=True)]

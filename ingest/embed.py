"""Texts -> vectors: from a row of the store that has the same text, else from the embedding models."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ingest.ingestion import Vectors
from ingest.prepare import PreparedFile
from store.filters import among
from store.milvus import Store

HASHES_A_QUERY = 1_024


class Encoder(Protocol):
    """What ingestion needs of an embedding model."""

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Give one unit vector a text, as an array of texts x dimensions."""


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


def embed(encoders: Sequence[Encoder], texts: Mapping[str, str]) -> dict[str, Vectors]:
    """Give the vectors of each text, one for each encoder. Raises EmbeddingError."""
    by_model = [encoder.embed(list(texts.values())).tolist() for encoder in encoders]
    return {hash_: list(vectors) for hash_, vectors in zip(texts, zip(*by_model, strict=True), strict=True)}

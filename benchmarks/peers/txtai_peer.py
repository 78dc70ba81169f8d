"""txtai: paragraphs into an Embeddings database with content, its own Faiss index."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from minilm import embed, markdown_files
from txtai import Embeddings
from txtai.pipeline import Segmentation

os.environ["ALLOW_RESOLVE_TRANSFORM"] = "True"  # a saved index names the function below


def transform(texts: list[str]) -> Any:
    return np.array(embed(list(texts)), dtype=np.float32)


class Peer:
    def __init__(self, store: Path) -> None:
        self._path = str(store / "index")
        self._embeddings = Embeddings(method="external", transform="txtai_peer.transform", content=True)
        if Path(self._path).exists():
            self._embeddings.load(self._path)

    def ingest(self, folder: Path) -> None:
        """`index` builds anew."""
        paragraphs = Segmentation(paragraphs=True)
        self._embeddings.index(
            (f"{path.relative_to(folder).as_posix()}::{number}", paragraph)
            for path in markdown_files(folder)
            for number, paragraph in enumerate(paragraphs(path.read_text("utf-8")))
        )
        self._embeddings.save(self._path)

    def search(self, question: str, k: int) -> list[tuple[str, str]]:
        return [(hit["id"].rpartition("::")[0], hit["text"]) for hit in self._embeddings.search(question, k)]

    def rows(self) -> list[tuple[str, str]]:
        found = self._embeddings.database.search("select id, text from txtai", limit=1_000_000)
        return [(row["id"].rpartition("::")[0], row["text"]) for row in found]

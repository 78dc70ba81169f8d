"""askmd as it is, with MiniLM alone."""

from pathlib import Path

from chains.retrieval.retrieve import retrieve
from config.settings import Settings
from ingest.pipeline import ingest
from store.collection import Store
from store.embeddings import configured_embeddings
from store.milvus import open_store, open_store_if_any


class Peer:
    def __init__(self, store: Path) -> None:
        self._settings = Settings(milvus_uri=str(store / "askmd.db"), embedding="minilm")
        self._embeddings = configured_embeddings(self._settings)
        self._store = open_store_if_any(self._settings)

    def _opened(self) -> Store:
        self._store = self._store or open_store(self._settings)
        return self._store

    def ingest(self, folder: Path) -> None:
        if self._store:
            self._store.close()
            self._store = None
        ingest(self._settings, folder, None, self._embeddings)

    def search(self, question: str, k: int) -> list[tuple[str, str]]:
        hits = retrieve(self._opened(), self._embeddings, question, k)
        return [(hit["doc"], hit["text"]) for hit in hits]

    def rows(self) -> list[tuple[str, str]]:
        return [(row["doc"], row["text"]) for row in self._opened().rows("", ["doc", "text"])]

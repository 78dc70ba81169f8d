"""memsearch: `MemSearch.index` and `MemSearch.search`."""

import asyncio
from pathlib import Path

import memsearch.embeddings
from memsearch import MemSearch
from minilm import DIM, NAME, embed


class Minilm:
    model_name = NAME
    dimension = DIM
    batch_size = 64

    async def embed(self, texts: list[str]) -> list[list[float]]:
        return embed(texts)


memsearch.embeddings._PROVIDERS["minilm"] = ("memsearch_peer", "Minilm")


class Peer:
    def __init__(self, store: Path) -> None:
        self._uri = str(store / "milvus.db")
        self._noted = store / "folder"
        self._memory: MemSearch | None = None

    def _opened(self) -> MemSearch:
        if self._memory is None:
            paths = [self._noted.read_text("utf-8")]
            self._memory = MemSearch(paths, embedding_provider="minilm", milvus_uri=self._uri)
        return self._memory

    def ingest(self, folder: Path) -> None:
        self._noted.write_text(str(folder.resolve()), "utf-8")
        asyncio.run(self._opened().index())

    def _relative(self, source: str) -> str:
        return Path(source).relative_to(self._noted.read_text("utf-8")).as_posix()

    def search(self, question: str, k: int) -> list[tuple[str, str]]:
        found = asyncio.run(self._opened().search(question, top_k=k))
        return [(self._relative(hit["source"]), hit["content"]) for hit in found]

    def rows(self) -> list[tuple[str, str]]:
        store = self._opened()._store
        found = store._client.query(
            store._collection, filter='source != ""', output_fields=["source", "content"], limit=16_384
        )
        return [(self._relative(row["source"]), row["content"]) for row in found]

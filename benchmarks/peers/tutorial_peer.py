"""The script of "Build RAG with Milvus and DeepSeek" (milvus.io/docs/build_RAG_with_milvus_and_deepseek.md)."""

from pathlib import Path

from minilm import DIM, embed, markdown_files
from pymilvus import MilvusClient

COLLECTION = "my_rag_collection"


class Peer:
    def __init__(self, store: Path) -> None:
        self._client = MilvusClient(uri=str(store / "milvus_demo.db"))
        if self._client.has_collection(COLLECTION):
            self._client.load_collection(COLLECTION)

    def ingest(self, folder: Path) -> None:
        """A second run drops what the first has made."""
        if self._client.has_collection(COLLECTION):
            self._client.drop_collection(COLLECTION)
        self._client.create_collection(COLLECTION, dimension=DIM, metric_type="IP", consistency_level="Bounded")
        lines = [
            (path.relative_to(folder).as_posix(), line)
            for path in markdown_files(folder)
            for line in path.read_text("utf-8").split("# ")
        ]
        vectors = embed([line for _, line in lines])
        data = [
            {"id": number, "vector": vector, "text": line, "doc": doc}
            for number, ((doc, line), vector) in enumerate(zip(lines, vectors, strict=True))
        ]
        self._client.insert(COLLECTION, data)

    def search(self, question: str, k: int) -> list[tuple[str, str]]:
        (hits,) = self._client.search(
            COLLECTION,
            data=embed([question]),
            limit=k,
            search_params={"metric_type": "IP", "params": {}},
            output_fields=["text", "doc"],
        )
        return [(hit["entity"]["doc"], hit["entity"]["text"]) for hit in hits]

    def rows(self) -> list[tuple[str, str]]:
        found = self._client.query(COLLECTION, filter="id >= 0", output_fields=["doc", "text"], limit=16_384)
        return [(row["doc"], row["text"]) for row in found]

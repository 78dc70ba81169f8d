"""LlamaIndex: SimpleDirectoryReader, the default sentence splitter, MilvusVectorStore as its page has it."""

from pathlib import Path
from typing import Any

from llama_index.core import Settings, SimpleDirectoryReader, StorageContext, VectorStoreIndex
from llama_index.core.embeddings import BaseEmbedding
from llama_index.vector_stores.milvus import MilvusVectorStore
from minilm import DIM, NAME, embed


class Minilm(BaseEmbedding):
    def _get_text_embedding(self, text: str) -> list[float]:
        return embed([text])[0]

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return embed(texts)

    def _get_query_embedding(self, query: str) -> list[float]:
        return embed([query])[0]

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_query_embedding(query)


class Peer:
    def __init__(self, store: Path) -> None:
        self._uri = str(store / "milvus.db")
        self._index: Any = None
        Settings.embed_model = Minilm(model_name=NAME)
        Settings.llm = None

    def ingest(self, folder: Path) -> None:
        """Its page makes the store with `overwrite=True`: a second run begins anew."""
        documents = SimpleDirectoryReader(str(folder), recursive=True, required_exts=[".md"]).load_data()
        for document in documents:
            document.metadata["doc"] = Path(document.metadata["file_path"]).relative_to(folder.resolve()).as_posix()
        vectors = MilvusVectorStore(uri=self._uri, dim=DIM, overwrite=True)
        self._index = VectorStoreIndex.from_documents(
            documents, storage_context=StorageContext.from_defaults(vector_store=vectors)
        )

    def _opened(self) -> Any:
        if self._index is None:
            vectors = MilvusVectorStore(uri=self._uri, dim=DIM)
            vectors.client.load_collection(vectors.collection_name)  # Milvus Lite releases what is closed
            self._index = VectorStoreIndex.from_vector_store(vectors)
        return self._index

    def search(self, question: str, k: int) -> list[tuple[str, str]]:
        found = self._opened().as_retriever(similarity_top_k=k).retrieve(question)
        return [(each.metadata["doc"], each.text) for each in found]

    def rows(self) -> list[tuple[str, str]]:
        store = self._opened().vector_store
        found = store.client.query(
            store.collection_name, filter='doc != ""', output_fields=["doc", "text"], limit=16_384
        )
        return [(row["doc"], row["text"]) for row in found]

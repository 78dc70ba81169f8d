"""LangChain's own pieces as its documentation puts them together: load, split by characters, Milvus.from_documents."""

from pathlib import Path

from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_milvus import Milvus
from langchain_text_splitters import RecursiveCharacterTextSplitter
from minilm import embed, markdown_files


class Minilm(Embeddings):
    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return embed(texts)

    def embed_query(self, text: str) -> list[float]:
        return embed([text])[0]


class Peer:
    def __init__(self, store: Path) -> None:
        self._connection = {"uri": str(store / "milvus.db")}
        self._opened: Milvus | None = None

    def ingest(self, folder: Path) -> None:
        """`drop_old` is False by default: a second run adds."""
        documents = [
            Document(path.read_text("utf-8"), metadata={"source": path.relative_to(folder).as_posix()})
            for path in markdown_files(folder)
        ]
        splits = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200).split_documents(documents)
        self._opened = Milvus.from_documents(splits, Minilm(), connection_args=self._connection)

    def _store(self) -> Milvus:
        self._opened = self._opened or Milvus(Minilm(), connection_args=self._connection)
        return self._opened

    def search(self, question: str, k: int) -> list[tuple[str, str]]:
        found = self._store().as_retriever(search_kwargs={"k": k}).invoke(question)
        return [(document.metadata["source"], document.page_content) for document in found]

    def rows(self) -> list[tuple[str, str]]:
        store = self._store()
        found = store.client.query(
            store.collection_name, filter="pk >= 0", output_fields=["source", "text"], limit=16_384
        )
        return [(row["source"], row["text"]) for row in found]

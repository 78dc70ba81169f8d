"""Haystack: Markdown to documents, cleaner, splitter, writer, as they come; MilvusDocumentStore as on its page."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from haystack.components.converters import MarkdownToDocument
from haystack.components.preprocessors import DocumentCleaner, DocumentSplitter
from haystack.components.writers import DocumentWriter
from milvus_haystack import MilvusDocumentStore, MilvusEmbeddingRetriever
from minilm import embed, markdown_files


class Peer:
    def __init__(self, store: Path) -> None:
        self._connection = {"uri": str(store / "milvus.db")}
        self._store: Any = None

    def ingest(self, folder: Path) -> None:
        """Its page makes the store with `drop_old=True`: a second run begins anew."""
        store = MilvusDocumentStore(connection_args=self._connection, drop_old=True)
        files = markdown_files(folder)
        metas: list[dict[str, Any]] = [{"doc": path.relative_to(folder).as_posix()} for path in files]
        documents = MarkdownToDocument(progress_bar=False).run(sources=files, meta=metas)["documents"]
        cleaned = DocumentCleaner().run(documents=documents)["documents"]
        splits = DocumentSplitter().run(documents=cleaned)["documents"]
        vectors = embed([document.content for document in splits])
        embedded = [replace(document, embedding=vector) for document, vector in zip(splits, vectors, strict=True)]
        DocumentWriter(store).run(documents=embedded)
        self._store = store

    def _opened(self) -> Any:
        self._store = self._store or MilvusDocumentStore(connection_args=self._connection)
        return self._store

    def search(self, question: str, k: int) -> list[tuple[str, str]]:
        retriever = MilvusEmbeddingRetriever(document_store=self._opened(), top_k=k)
        found = retriever.run(query_embedding=embed([question])[0])["documents"]
        return [(document.meta["doc"], document.content) for document in found]

    def rows(self) -> list[tuple[str, str]]:
        return [(document.meta["doc"], document.content) for document in self._opened().filter_documents({})]

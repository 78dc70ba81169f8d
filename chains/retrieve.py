"""A question in, the best chunks of the store out."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast

from chains.schema import Hit
from config.errors import ConfigError
from config.settings import Settings
from store.embeddings import EmbeddingModel, configured_embedding
from store.filters import check_filters
from store.milvus import Store, require_same_vectors
from store.rows import Row

if TYPE_CHECKING:
    from langchain_core.documents import Document


def open_query_embedding(settings: Settings, store: Store) -> EmbeddingModel:
    """Open the embedding model of the settings. Raises StoreError if the store was built with another one."""
    embedding = configured_embedding(settings)
    require_same_vectors(store, embedding.name, embedding.dim)
    return embedding


def retrieve(
    store: Store, embedding: EmbeddingModel, question: str, k: int, filters: Mapping[str, str] | None = None
) -> list[Hit]:
    """Give the `k` best chunks, best first. Raises ConfigError for a blank question or an unknown filter."""
    if not question.strip():
        raise ConfigError("the question is empty")
    check_filters(filters or {})
    vector = embedding.embed_queries([question])[0]
    roots = store.roots()
    return [_hit(row, score, roots.get(row["root"], "")) for row, score in store.search(vector, k, filters or {})]


def _hit(row: Row, score: float, location: str) -> Hit:
    return Hit(
        id=row["id"],
        root=row["root"],
        doc=row["doc"],
        path=str(_path(Path(location), row["doc"])) if location else "",
        start=row["start"],
        end=row["end"],
        start_line=row["start_line"],
        end_line=row["end_line"],
        headings=list(row["headings"]),
        slug=row["slug"],
        text=row["text"],
        score=score,
        scores={"dense": score},
    )


def _path(location: Path, doc: str) -> Path:
    """A root that is a single file is its own only document."""
    return location if location.name == doc and not location.is_dir() else location / doc


def to_document(hit: Hit) -> "Document":
    """Give a hit as LangChain's retrievers give what they find."""
    from langchain_core.documents import Document

    return Document(id=hit["id"], page_content=hit["text"], metadata={k: v for k, v in hit.items() if k != "text"})


def from_document(document: "Document") -> Hit:
    """Take back what `to_document` made."""
    return cast("Hit", {**document.metadata, "text": document.page_content})

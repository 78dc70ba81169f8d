"""A question in, the best passages of the store out."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from chains.fuse import Fused, Ranking, fuse
from chains.gate import DEPTH, Sign, confidence, coverage, is_across
from chains.schema import Hit
from chains.widen import Passage, widen
from config.errors import ConfigError
from config.settings import Settings
from store.embeddings import EmbeddingModel, configured_embeddings, name_together
from store.filters import check_filters
from store.language import is_english
from store.lexical import analyse
from store.milvus import Store, require_same_vectors

if TYPE_CHECKING:
    from langchain_core.documents import Document

CANDIDATES = 200
"""Rows asked for in each way of searching; fewer find less, more find nothing."""

WEIGHTS = {"dense": 0.5, "lexical": 0.5}

_DATED = re.compile(
    r"date|version|(last[ _-]?)?(updated|modified|reviewed)([ _-]?(at|on|date))?|lastmod", re.IGNORECASE
)
"""Keys of front matter that tell which of two documents is the newer one."""


def open_query_embeddings(settings: Settings, store: Store) -> list[EmbeddingModel]:
    """Open the embedding models of the settings. Raises StoreError if the store was built with others."""
    embeddings = configured_embeddings(settings)
    require_same_vectors(store, name_together(embeddings), [embedding.dim for embedding in embeddings])
    return embeddings


def retrieve(
    store: Store,
    embeddings: Sequence[EmbeddingModel],
    question: str,
    k: int,
    filters: Mapping[str, str] | None = None,
) -> list[Hit]:
    """Give the `k` best passages, best first. Raises ConfigError for a blank question or an unknown filter."""
    if not question.strip():
        raise ConfigError("the question is empty")
    check_filters(filters or {})
    filter_ = store.filter_expression(filters or {})
    number = 0 if len(embeddings) == 1 or is_english(question) else 1
    vector = embeddings[number].embed_queries([question])[0]
    rankings = {
        "dense": store.nearest(store.vector_fields[number], vector, CANDIDATES, filter_),
        "lexical": store.matching(analyse(question), CANDIDATES, filter_),
    }
    found = fuse(rankings, WEIGHTS)
    sure = confidence(embeddings[number].name, _signs(store, question, found[:DEPTH], rankings["dense"], filter_))
    return [{**hit, "confidence": sure} for hit in _read(store, found, k, store.settings.passage_chars)]


def _signs(store: Store, question: str, found: Sequence[Fused], dense: Ranking, filter_: str) -> list[Sign]:
    """Give what speaks for the first chunks. One that is not among the nearest counts as the last of them."""
    terms = analyse(question).split()
    heaviest = store.heaviest(sorted(set(terms)), filter_)
    count = store.count()
    rows = store.get([fused.id for fused in found])
    farthest = dense[-1][1] if dense else 0.0
    return [
        Sign(
            dense=fused.scores.get("dense", farthest),
            coverage=coverage(fused.scores.get("lexical", 0.0), terms, heaviest, count)
            if store.fingerprint.lexical
            else None,
            across=is_across(question, rows[fused.id]["text"]),
        )
        for fused in found
        if fused.id in rows
    ]


def _read(store: Store, found: Sequence[Fused], k: int, limit: int) -> list[Hit]:
    """Fetch what was found and widen it; look further down while passages that fell into one leave room."""
    by_id = {fused.id: fused for fused in found}
    roots = store.roots()
    take = k
    while True:
        rows = store.get([fused.id for fused in found[:take]])
        ordered = [rows[fused.id] for fused in found[:take] if fused.id in rows]
        beside = {id_ for row in ordered for id_ in row["near"]} - rows.keys()
        passages = widen(ordered, store.get(sorted(beside)) if limit else {}, limit)
        if len(passages) >= k or take >= len(found):
            return [_hit(passage, by_id[passage.found], roots) for passage in passages[:k]]
        take *= 2


def _hit(passage: Passage, fused: Fused, roots: Mapping[str, str]) -> Hit:
    first, last = passage.rows[0], passage.rows[-1]
    found = next(row for row in passage.rows if row["id"] == passage.found)
    location = roots.get(first["root"], "")
    return Hit(
        id=passage.found,
        root=first["root"],
        doc=first["doc"],
        path=str(_path(Path(location), first["doc"])) if location else "",
        start=first["start"],
        end=last["end"],
        start_line=first["start_line"],
        end_line=last["end_line"],
        headings=list(found["headings"]),
        slug=found["slug"],
        text=passage.text,
        score=fused.score,
        scores=fused.scores,
        ranks=fused.ranks,
        confidence=0.0,
        dated=_dated(first["front_matter"]),
    )


def _dated(front_matter: Mapping[str, Any]) -> dict[str, str]:
    return {key: str(value) for key, value in front_matter.items() if _DATED.fullmatch(key) and _is_short(value)}


def _is_short(value: Any) -> bool:
    return isinstance(value, str | int | float) and len(str(value)) <= 40


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

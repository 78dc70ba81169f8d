"""A question in, the best passages of the store out."""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from chains.retrieval.asked import Asked
from chains.retrieval.confidence import confidence_in
from chains.retrieval.duplicates import without_duplicates
from chains.retrieval.find import candidates, find
from chains.retrieval.fuse import Fused
from chains.retrieval.widen import Passage, unread, widen
from chains.schema import Hit
from config.errors import ConfigError
from config.settings import Settings
from store.collection import Store
from store.compatible import require_same_vectors
from store.embeddings import EmbeddingModel, configured_embeddings, name_together
from store.filters import Filters, check_filters
from store.location import path_of
from store.rows import Row

if TYPE_CHECKING:
    from langchain_core.documents import Document

_DATED = re.compile(
    r"date|version|(last[ _-]?)?(updated|modified|reviewed)([ _-]?(at|on|date))?|lastmod", re.IGNORECASE
)
"""Keys of front matter that tell which of two documents is the newer one."""


def open_query_embeddings(settings: Settings, store: Store) -> list[EmbeddingModel]:
    """Open the embedding models of the settings. Raises StoreError if the store was built with others."""
    embeddings = configured_embeddings(settings)
    require_same_vectors(store, name_together(embeddings), [embedding.dim for embedding in embeddings])
    return embeddings


def retrieve(  # noqa: PLR0913 - each says another thing
    store: Store,
    embeddings: Sequence[EmbeddingModel],
    question: str,
    k: int,
    filters: Filters | None = None,
    *,
    judge: bool = False,
) -> list[Hit]:
    """Give the `k` best passages, best first; with `judge`, their `confidence` too, at the cost of a second search.

    Raises ConfigError for a blank question or an unknown filter.
    """
    if not question.strip():
        raise ConfigError("the question is empty")
    check_filters(filters or {})
    asked = Asked(store, embeddings, question, store.filter_expression(filters or {}))
    found = find(asked, candidates(store, k))
    hits = read_passages(asked, found, k, store.settings.passage_chars)
    if not judge:
        return hits
    sure = confidence_in(asked, found)
    return [{**hit, "confidence": sure} for hit in hits]


def read_passages(asked: Asked, found: Sequence[Fused], k: int, limit: int) -> list[Hit]:
    """Fetch what was found and widen it; look further down while what fell into one passage leaves room.

    What scores the same comes in the order of paths and lines, so that of equal texts the first place is given.
    """
    by_id = {fused.id: fused for fused in found}
    scores = {fused.id: fused.score for fused in found}
    roots = asked.roots()

    def first_rows(number: int) -> list[Row]:
        rows = asked.rows(fused.id for fused in found[:number]).values()
        return sorted(rows, key=lambda row: (-scores[row["id"]], row["root"], row["doc"], row["ordinal"]))

    read_near(asked, first_rows(2 * k), limit)  # in one go: k chunks are seldom enough for k passages
    take = k
    while True:
        take = _through_ties(found, take)
        rows = first_rows(take)
        passages = widen(rows, read_near(asked, rows, limit), scores, limit)
        hits = without_duplicates([to_hit(passage, by_id[passage.found], roots, asked.english) for passage in passages])
        if len(hits) >= k or take >= len(found):
            return hits[:k]
        take *= 2


def read_near(asked: Asked, rows: Sequence[Row], limit: int) -> dict[str, Row]:
    """Give rows, best first, and those that they may grow into; each is read from the store once for a question."""
    read: dict[str, Row | None] = {row["id"]: row for row in rows}
    while wanted := set(unread(rows, read, limit)):
        given = asked.rows(wanted)
        read |= {id_: given.get(id_) for id_ in wanted}
    return {id_: row for id_, row in read.items() if row}


def _through_ties(found: Sequence[Fused], take: int) -> int:
    """Take those that score the same as the last one too: which of them comes first is not yet known."""
    while 0 < take < len(found) and found[take].score == found[take - 1].score:
        take += 1
    return take


def to_hit(passage: Passage, fused: Fused, roots: Mapping[str, str], english: str = "") -> Hit:
    """Give a passage with its place in its file, and with the scores of the chunk that was found."""
    first, last = passage.rows[0], passage.rows[-1]
    found = next(row for row in passage.rows if row["id"] == passage.found)
    location = roots.get(first["root"], "")
    return Hit(
        id=passage.found,
        root=first["root"],
        doc=first["doc"],
        path=path_of(location, first["doc"]) if location else "",
        file_hash=first["file_hash"],
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
        also_in=[],
        confidence=None,
        english=english,
        dated=_dated(first["front_matter"]),
    )


def _dated(front_matter: Mapping[str, Any]) -> dict[str, str]:
    return {key: str(value) for key, value in front_matter.items() if _DATED.fullmatch(key) and _is_short(value)}


def _is_short(value: Any) -> bool:
    return isinstance(value, str | int | float) and len(str(value)) <= 40


def to_document(hit: Hit) -> "Document":
    """Give a hit as LangChain's retrievers give what they find."""
    from langchain_core.documents import Document

    return Document(id=hit["id"], page_content=hit["text"], metadata={k: v for k, v in hit.items() if k != "text"})


def from_document(document: "Document") -> Hit:
    """Take back what `to_document` made."""
    return cast("Hit", {**document.metadata, "text": document.page_content})

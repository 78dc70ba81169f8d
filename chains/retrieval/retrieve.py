"""A question in, the best passages of the store out."""

import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, cast

from chains.retrieval.asked import Asked
from chains.retrieval.confidence import confidence_in
from chains.retrieval.coverage import HALVES, weights
from chains.retrieval.duplicates import without_duplicates
from chains.retrieval.fuse import Fused, Ranking
from chains.retrieval.gate import DEPTH, is_across, is_over_english
from chains.retrieval.late import fuse_with_parts
from chains.retrieval.widen import Passage, widen
from chains.schema import Hit
from config.errors import ConfigError
from config.settings import Settings
from store.collection import Store
from store.compatible import require_same_vectors
from store.embeddings import EmbeddingModel, configured_embeddings, name_together
from store.filters import Filters, check_filters
from store.location import path_of

if TYPE_CHECKING:
    from langchain_core.documents import Document

READ_AHEAD = 10
"""Chunks read at once: those that five passages, the default, are made of."""

CANDIDATES = 200
"""Rows asked for in each way of searching; fewer find less, more find nothing."""

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
    found = find(asked)
    hits = read_passages(asked, found, k, store.settings.passage_chars)
    if not judge:
        return hits
    sure = confidence_in(asked, found)
    return [{**hit, "confidence": sure} for hit in hits]


def find(asked: Asked) -> list[Fused]:
    """Search in each way, fuse what was found, and read the best of it once more: best first.

    Where all of the best are in another language than the question, and it is not put into theirs, how much of it the
    words cover decides their weight.
    """
    rankings = rank(asked)
    found = fuse_with_parts(asked, rankings, HALVES)
    first = first_texts(asked, [fused.id for fused in found])
    if rankings["lexical"] and not asked.english and all(is_across(asked.question, text) for text in first):
        return fuse_with_parts(asked, rankings, weights(rankings["lexical"], asked.highest()))
    return found


def rank(asked: Asked) -> dict[str, Ranking]:
    """Search in both ways; give the ids that each found with their scores, best first.

    The searches go on at once, unless the words to search for depend on what is nearest: if that is in English, and the
    question is not, its words are put into English. What a hit needs of the roots is looked up beside them.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="askmd-beside") as thread:
        if asked.is_translatable:
            thread.submit(asked.roots)  # what fails here is tried, and told, where they are needed
            dense = search_dense(asked)
            if is_over_english(asked.question, first_texts(asked, [id_ for id_, _ in dense])):
                asked.translate()
            lexical = thread.submit(search_lexical, asked)
            asked.embed_english()
        else:
            lexical = thread.submit(search_lexical, asked)
            thread.submit(asked.roots)
            dense = search_dense(asked)
        return {"dense": dense, "lexical": lexical.result()}


def search_dense(asked: Asked) -> Ranking:
    """Give the nearest by vector."""
    field = asked.store.vector_fields[asked.number]
    return asked.store.nearest(field, asked.vector.tolist(), CANDIDATES, asked.filter_)


def search_lexical(asked: Asked) -> Ranking:
    """Give what holds the words."""
    return asked.store.matching(asked.terms, CANDIDATES, asked.filter_)


def first_texts(asked: Asked, ids: Sequence[str]) -> list[str]:
    """Give the texts of the first that are still there, up to DEPTH; passages are made of them and of some more."""
    return [row["text"] for row in asked.rows(ids[:READ_AHEAD]).values()][:DEPTH]


def read_passages(asked: Asked, found: Sequence[Fused], k: int, limit: int) -> list[Hit]:
    """Fetch what was found and widen it; look further down while what fell into one passage leaves room.

    What scores the same comes in the order of paths and lines, so that of equal texts the first place is given.
    """
    by_id = {fused.id: fused for fused in found}
    scores = {fused.id: fused.score for fused in found}
    roots = asked.roots()
    take = k
    while True:
        take = _through_ties(found, take)
        rows = sorted(
            asked.rows(fused.id for fused in found[:take]).values(),
            key=lambda row: (-scores[row["id"]], row["root"], row["doc"], row["ordinal"]),
        )
        near = asked.rows({id_ for row in rows for id_ in row["near"]}) if limit else {}
        passages = widen(rows, near, scores, limit)
        hits = without_duplicates([to_hit(passage, by_id[passage.found], roots, asked.english) for passage in passages])
        if len(hits) >= k or take >= len(found):
            return hits[:k]
        take *= 2


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

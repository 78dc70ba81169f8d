"""The whole of the documents as evidence, without a search: what retrieval is measured against."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chains.resources import Resources
from chains.retrieval.fuse import Fused
from chains.retrieval.retrieve import to_hit
from chains.retrieval.widen import Passage
from chains.schema import Hit
from store.collection import Store
from store.filters import Filters
from store.rows import Row

_PAGE = 500


@dataclass
class WholeCorpus(Resources):
    """Gives every question all chunks that the store holds, in the order of their files, however many are asked for.

    No search says how sure it is of them, so the gate lets them pass.
    """

    def search(self, question: str, k: int, filters: Filters, *, judge: bool = False) -> list[Hit]:  # noqa: ARG002
        """Give all chunks that the filters let through; raises as `Resources.search` does."""
        store, _ = self._open()
        return whole_corpus(store, filters)

    def rerank_or_keep(self, question: str, hits: Sequence[Hit], k: int) -> tuple[list[Hit], list[str]]:  # noqa: ARG002
        """Keep all."""
        return list(hits), []


def whole_corpus(store: Store, filters: Filters) -> list[Hit]:
    """Give the chunks of a store in their order, each as a passage with score and confidence 1."""
    roots = store.roots()
    rows = sorted(_rows(store, filters), key=lambda row: (row["root"], row["doc"], row["ordinal"]))
    hits = [to_hit(Passage((row,), row["id"]), Fused(row["id"], 1.0, {}, {}), roots) for row in rows]
    return [{**hit, "confidence": 1.0} for hit in hits]


def _rows(store: Store, filters: Filters) -> Iterator[Row]:
    ids = [row["id"] for row in store.rows(store.filter_expression(filters), ["id"])]
    for first in range(0, len(ids), _PAGE):
        yield from store.get(ids[first : first + _PAGE]).values()

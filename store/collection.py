"""An open collection of Milvus, to search, read and write. The only file that knows langchain_milvus."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from config.settings import Settings
from store.connection import client_arguments, disconnect, store_errors
from store.filters import Filters, among, equals, expression, files_fields
from store.fingerprint import Fingerprint
from store.lexical import ANALYZER_PARAMS
from store.pymilvus_import import import_pymilvus
from store.rows import SHOWN_FIELDS, Embedded, ReadRow, Row, StoredRow, parts_field, vector_field
from store.schema import (
    SPARSE_FIELD,
    SPARSE_INDEX_PARAMS,
    SPARSE_SEARCH_PARAMS,
    index_params,
    search_params,
)

if TYPE_CHECKING:
    from langchain_core.embeddings import Embeddings
    from langchain_milvus import Milvus
    from pymilvus import MilvusClient

STRONG = "Strong"
"""Sees whatever anybody has written. A server makes such a read wait for its clock: 200 to 400 ms (Milvus 2.3)."""

SESSION = "Session"
"""Sees what this process has written."""

BOUNDED = "Bounded"
"""Sees what was written some seconds ago, and in health all; what an ingest wrote that has ended, in any case."""

FINGERPRINT_PROPERTY = "askmd.fingerprint"
ROOT_PROPERTY = "askmd.root."
CHUNKS_PROPERTY = "askmd.chunks."
"""How many rows a root has: none is noted while it is ingested. Milvus Lite needs a second to count 10,000 of them."""
FIRST_ROWS = "ordinal == 0"
"""One row of every file that was ingested completely."""

GATE_PROPERTY = "askmd.gate"
"""What the evidence gate was calibrated to (chains/retrieval/gate.py)."""
PAGE = 2_000
"""Rows asked for at a time; a server gives 16,384 at most."""

HEAVY_PAGE = 500
"""The same for rows with all that was embedded: some 20 kB each."""


@dataclass(frozen=True)
class Store:
    """An open collection. Every method raises StoreError where Milvus fails.

    Readers hold on to the alias (`settings.collection`), so that a rebuild can change what it stands for while they
    run; a writer holds on to the collection itself. `target` is the one or the other, `consistency` what its reads see.
    """

    settings: Settings
    client: "MilvusClient"
    target: str
    fingerprint: Fingerprint
    consistency: str = BOUNDED

    def close(self) -> None:
        """Let go of the connection."""
        disconnect(self.client, self.settings.milvus_uri)

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def vector_fields(self) -> list[str]:
        """The fields that hold a vector of each embedding model, in their order."""
        return [vector_field(number) for number in range(len(self.fingerprint.dims))]

    @property
    def has_parts(self) -> bool:
        """Whether rows hold the parts of their texts, and the settings are to compare them."""
        return bool(self.fingerprint.parts and self.settings.parts)

    @property
    def _parts_fields(self) -> list[str]:
        return [parts_field(number) for number in range(len(self.fingerprint.dims))]

    @property
    def embedded_fields(self) -> list[str]:
        """The fields that hold what the embedding models made of a text."""
        return self.vector_fields + (self._parts_fields if self.fingerprint.parts else [])

    def nearest(self, field: str, vector: Sequence[float], limit: int, filter_: str) -> list[tuple[str, float]]:
        """Give the ids of the rows nearest to a normalised vector, best first, with their inner products."""
        hits = self._nearest(field, vector, limit, filter_, ["id"])
        return [(hit["id"], float(hit["distance"])) for hit in hits]

    def nearest_rows(
        self, field: str, vector: Sequence[float], limit: int, filter_: str, numbers: Sequence[int]
    ) -> list[tuple[ReadRow, float]]:
        """Give the rows that `nearest` finds, as `read` does."""
        hits = self._nearest(field, vector, limit, filter_, self._read_fields(numbers))
        return [(self._read_row({**hit["entity"], "id": hit["id"]}, numbers), float(hit["distance"])) for hit in hits]

    def _nearest(
        self, field: str, vector: Sequence[float], limit: int, filter_: str, fields: Sequence[str]
    ) -> list[dict[str, Any]]:
        params = search_params(self.fingerprint.index, limit)
        return self._search(field, [list(vector)], limit, filter_, params, fields)[0]

    def matching(self, terms: str, limit: int, filter_: str) -> list[tuple[str, float]]:
        """Give the ids of the rows that hold some of the terms, best first, with their BM25 scores."""
        if not self.fingerprint.lexical or not terms:
            return []
        hits = self._search(SPARSE_FIELD, [terms], limit, filter_, SPARSE_SEARCH_PARAMS)[0]
        # Milvus Lite gives the negated score, a server the score; neither is ever negative by BM25's own formula there.
        return [(hit["id"], abs(float(hit["distance"]))) for hit in hits]

    def heaviest(self, terms: Sequence[str], filter_: str) -> dict[str, float]:
        """Give for each term the highest BM25 score that it alone gives any row; terms of no row are left out."""
        if not self.fingerprint.lexical or not terms:
            return {}
        found = self._search(SPARSE_FIELD, list(terms), 1, filter_, SPARSE_SEARCH_PARAMS)
        return {term: abs(float(hit["distance"])) for term, hits in zip(terms, found, strict=True) for hit in hits}

    def _search(  # noqa: PLR0913, PLR0917 - what a search of Milvus takes
        self,
        field: str,
        data: Sequence[list[float] | str],
        limit: int,
        filter_: str,
        params: dict[str, Any],
        fields: Sequence[str] = ("id",),
    ) -> list[list[dict[str, Any]]]:
        with self._errors():
            found: list[list[dict[str, Any]]] = self.client.search(
                self.target,
                data=list(data),
                anns_field=field,
                limit=limit,
                filter=filter_,
                search_params=params,
                output_fields=list(fields),
                consistency_level=self.consistency,
                timeout=self.settings.milvus_timeout,
            )
        return found

    def get(self, ids: Sequence[str]) -> dict[str, Row]:
        """Give rows by their ids; those that are gone are left out."""
        return {read.row["id"]: read.row for read in self.read(ids, [])}

    def read(self, ids: Sequence[str], numbers: Sequence[int]) -> list[ReadRow]:
        """Give rows with their parts for the embedding models of these numbers; rows that are gone are left out."""
        if not ids:
            return []
        with self._errors():
            return [self._read_row(row, numbers) for row in self._get(ids, self._read_fields(numbers))]

    def _read_fields(self, numbers: Sequence[int]) -> list[str]:
        return SHOWN_FIELDS + ([parts_field(number) for number in numbers] if self.fingerprint.parts else [])

    def _read_row(self, entity: Mapping[str, Any], numbers: Sequence[int]) -> ReadRow:
        row = {name: entity[name] for name in SHOWN_FIELDS}
        return ReadRow(cast("Row", row), {number: entity.get(parts_field(number), "") for number in numbers})

    def embedded(self, ids: Sequence[str]) -> dict[str, list[Embedded]]:
        """Give what each embedding model made of rows, by `embed_hash`; rows that are gone are left out."""
        with self._errors():
            return {
                row["embed_hash"]: [
                    Embedded(row[vector], row.get(parts, ""))
                    for vector, parts in zip(self.vector_fields, self._parts_fields, strict=True)
                ]
                for first in range(0, len(ids), HEAVY_PAGE)
                for row in self._get(ids[first : first + HEAVY_PAGE], ["embed_hash", *self.embedded_fields])
            }

    def _get(self, ids: Sequence[str], fields: Sequence[str]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.client.get(
            self.target, ids=list(ids), output_fields=list(fields), consistency_level=self.consistency
        )
        return found

    def filter_expression(self, filters: Filters) -> str:
        """Write filters as the expression that the search methods take. Raises ConfigError for an unknown key."""
        fields = files_fields(filters)
        return expression(filters, self.rows(FIRST_ROWS, fields) if fields else ())

    def rows(self, filter_: str, fields: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Give every row that fits an expression, in no order.

        An iterator of pymilvus takes no consistency: it has that of the collection, which is STRONG.
        """
        with self._errors():
            pages = self.client.query_iterator(
                self.target,
                batch_size=PAGE,
                filter=filter_,
                output_fields=list(fields),
                timeout=self.settings.milvus_timeout,
            )
            try:
                while page := pages.next():
                    yield from page
            finally:
                pages.close()

    def docs(self) -> set[str]:
        """Give the paths of all files, relative to their roots."""
        return {row["doc"] for row in self.rows(FIRST_ROWS, ["doc"])}

    def file_hashes(self, root: str) -> dict[str, str]:
        """Give the files of a root that were ingested completely, with the hashes of what they held."""
        complete = self.rows(f"{equals('root', root)} and {FIRST_ROWS}", ["doc", "file_hash"])
        return {row["doc"]: row["file_hash"] for row in complete}

    def count(self, filter_: str = "") -> int:
        """Count rows."""
        return self._count(filter_, self.consistency)

    def catch_up(self) -> int:
        """Wait until whatever anybody has written can be read, here and by others, and count all rows."""
        return self._count("", STRONG)

    def _count(self, filter_: str, consistency: str) -> int:
        with self._errors():
            counted = self.client.query(
                self.target, filter=filter_, output_fields=["count(*)"], consistency_level=consistency
            )
        return int(counted[0]["count(*)"])

    def upsert(self, rows: Sequence[StoredRow]) -> None:
        """Write rows; a row of the same id is replaced."""
        with self._errors():
            for first in range(0, len(rows), HEAVY_PAGE):
                page = [self._to_entity(row) for row in rows[first : first + HEAVY_PAGE]]
                self.client.upsert(self.target, page, timeout=self.settings.milvus_timeout)

    def _to_entity(self, row: StoredRow) -> dict[str, Any]:
        entity: dict[str, Any] = {**row}
        del entity["embedded"]
        entity |= zip(self.vector_fields, (each.vector for each in row["embedded"]), strict=True)
        if self.fingerprint.parts:
            entity |= zip(self._parts_fields, (each.parts for each in row["embedded"]), strict=True)
        if not self.fingerprint.lexical:
            del entity["lexical"]
        return entity

    def delete(self, ids: Sequence[str]) -> None:
        """Remove rows."""
        with self._errors():
            for first in range(0, len(ids), PAGE):
                self.client.delete(
                    self.target,
                    filter=among("id", ids[first : first + PAGE]),
                    timeout=self.settings.milvus_timeout,
                )

    def delete_root(self, root: str) -> None:
        """Remove a root with all its rows."""
        with self._errors():
            self.client.delete(self.target, filter=equals("root", root), timeout=self.settings.milvus_timeout)
        self.set_properties({ROOT_PROPERTY + root: "", CHUNKS_PROPERTY + root: ""})
        self.flush()
        self.catch_up()

    def flush(self) -> None:
        """Make what was written durable, and fast to search: Milvus Lite scans unflushed rows one by one."""
        with self._errors():
            self.client.flush(self.target)

    def properties(self) -> dict[str, str]:
        """Give what is noted of the collection as a whole."""
        with self._errors():
            return dict(self.client.describe_collection(self.target)["properties"])

    def set_properties(self, values: Mapping[str, str]) -> None:
        """Note something of the collection as a whole; an empty text takes it back, as older servers cannot drop it."""
        with self._errors():
            self.client.alter_collection_properties(self.target, properties=dict(values))

    def roots(self) -> dict[str, str]:
        """Give the roots of the collection with the absolute path that each was ingested from."""
        noted = self.properties().items()
        roots = {name[len(ROOT_PROPERTY) :]: path for name, path in noted if name.startswith(ROOT_PROPERTY)}
        return {name: path for name, path in sorted(roots.items()) if path}

    def begin_root(self, root: str, path: str) -> int | None:
        """Note where a root is ingested from; give its rows as `noted_chunks` does."""
        chunks = self.noted_chunks(root)
        self.set_properties({ROOT_PROPERTY + root: path, CHUNKS_PROPERTY + root: ""})
        return chunks

    def end_root(self, root: str, chunks: int) -> None:
        """Note that a root holds exactly what was ingested, which is so many rows."""
        self.set_properties({CHUNKS_PROPERTY + root: str(chunks)})

    def noted_chunks(self, root: str) -> int | None:
        """Give the number of a root's rows as its last ingest noted it; None where that one did not come to its end."""
        properties = self.properties()
        if not properties.get(ROOT_PROPERTY + root):
            return 0
        noted = properties.get(CHUNKS_PROPERTY + root)
        return int(noted) if noted else None

    def chunks_of(self, root: str) -> int:
        """Count the rows of a root, or give the number that is noted."""
        noted = self.noted_chunks(root)
        return self.count(equals("root", root)) if noted is None else noted

    def vectorstore(self, embeddings: "Sequence[Embeddings]") -> "Milvus":
        """Give the collection as a LangChain vector store, for whatever LangChain does with one.

        With more than one field to search, its own searches fuse them and have to be given a `reranker`: a
        pymilvus.Function of type RERANK (milvus.io/docs/weighted-ranker.md).
        """
        langchain_milvus = import_pymilvus("langchain_milvus")
        bm25 = langchain_milvus.BM25BuiltInFunction(
            input_field_names="lexical", output_field_names=SPARSE_FIELD, analyzer_params=ANALYZER_PARAMS
        )
        lexical = bool(self.fingerprint.lexical)
        with self._errors():
            store: Milvus = langchain_milvus.Milvus(
                embedding_function=list(embeddings),
                builtin_function=[bm25] if lexical else None,
                collection_name=self.target,
                connection_args=client_arguments(self.settings.milvus_uri, self.settings.milvus_key()),
                consistency_level=BOUNDED,
                index_params=[index_params(self.fingerprint.index)] * len(self.vector_fields)
                + [SPARSE_INDEX_PARAMS] * lexical,
                search_params=[search_params(self.fingerprint.index, PAGE)] * len(self.vector_fields)
                + [SPARSE_SEARCH_PARAMS] * lexical,
                primary_field="id",
                text_field="text",
                vector_field=self.vector_fields + [SPARSE_FIELD] * lexical,
                enable_dynamic_field=True,
                timeout=self.settings.milvus_timeout,
            )
        return store

    def _errors(self) -> Any:
        return store_errors(self.settings.milvus_uri)

"""The collection in Milvus: Lite file, server or Zilliz Cloud. The only file that knows langchain_milvus."""

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from config.errors import StoreError
from config.settings import Settings
from store.connection import client_arguments, connect, disconnect, is_lite, store_errors, without_credentials
from store.filters import among, equals, expression
from store.fingerprint import Fingerprint
from store.pymilvus_import import import_pymilvus
from store.rows import ALL_BUT_VECTOR, MAX_NAME_BYTES, MAX_TEXT_BYTES, Row

if TYPE_CHECKING:
    from langchain_core.embeddings import Embeddings
    from langchain_milvus import Milvus
    from pymilvus import MilvusClient

INDEX_PARAMS: dict[str, Any] = {"index_type": "FLAT", "metric_type": "IP", "params": {}}
SEARCH_PARAMS: dict[str, Any] = {"metric_type": "IP", "params": {}}
CONSISTENCY = "Strong"
FINGERPRINT_PROPERTY = "askmd.fingerprint"
ROOT_PROPERTY = "askmd.root."
PAGE = 2_000
"""Rows asked for at a time; a server gives 16,384 at most."""


@dataclass(frozen=True)
class Store:
    """An open collection. Every method raises StoreError where Milvus fails.

    Readers hold on to the alias (`settings.collection`), so that a rebuild can change what it stands for while they
    run; a writer holds on to the collection itself. `target` is the one or the other.
    """

    settings: Settings
    client: "MilvusClient"
    target: str
    fingerprint: Fingerprint

    def close(self) -> None:
        """Let go of the connection."""
        disconnect(self.client, self.settings.milvus_uri)

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def search(self, vector: Sequence[float], k: int, filters: Mapping[str, str]) -> list[tuple[Row, float]]:
        """Give the `k` rows nearest to a normalised vector, best first, with their inner products."""
        with self._errors():
            found = self.client.search(
                self.target,
                data=[list(vector)],
                anns_field="vector",
                limit=k,
                filter=expression(filters, self.docs() if "path" in filters else ()),
                search_params=SEARCH_PARAMS,
                output_fields=ALL_BUT_VECTOR,
                timeout=self.settings.milvus_timeout,
            )
        return [(cast("Row", hit["entity"]), float(hit["distance"])) for hit in found[0]]

    def rows(self, filter_: str, fields: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Give every row that fits an expression, in no order."""
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
        return {row["doc"] for row in self.rows("ordinal == 0", ["doc"])}

    def file_hashes(self, root: str) -> dict[str, str]:
        """Give the files of a root that were ingested completely, with the hashes of what they held."""
        complete = self.rows(f"{equals('root', root)} and ordinal == 0", ["doc", "file_hash"])
        return {row["doc"]: row["file_hash"] for row in complete}

    def count(self, filter_: str = "") -> int:
        """Count rows."""
        with self._errors():
            return int(self.client.query(self.target, filter=filter_, output_fields=["count(*)"])[0]["count(*)"])

    def upsert(self, rows: Sequence[Row]) -> None:
        """Write rows with their vectors; a row of the same id is replaced."""
        with self._errors():
            for first in range(0, len(rows), PAGE):
                page = cast("list[dict[str, Any]]", list(rows[first : first + PAGE]))
                self.client.upsert(self.target, page, timeout=self.settings.milvus_timeout)

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
        self.set_root(root, "")
        self.flush()

    def flush(self) -> None:
        """Make what was written durable and fast to search: Milvus Lite scans unflushed rows one by one."""
        with self._errors():
            self.client.flush(self.target)

    def properties(self) -> dict[str, str]:
        """Give what is noted of the collection as a whole."""
        with self._errors():
            return dict(self.client.describe_collection(self.target)["properties"])

    def set_property(self, name: str, value: str) -> None:
        """Note something of the collection as a whole; an empty text takes it back, as older servers cannot drop it."""
        with self._errors():
            self.client.alter_collection_properties(self.target, properties={name: value})

    def roots(self) -> dict[str, str]:
        """Give the roots of the collection with the absolute path that each was ingested from."""
        noted = self.properties().items()
        roots = {name[len(ROOT_PROPERTY) :]: path for name, path in noted if name.startswith(ROOT_PROPERTY)}
        return {name: path for name, path in sorted(roots.items()) if path}

    def set_root(self, root: str, path: str) -> None:
        """Note where a root was ingested from."""
        self.set_property(ROOT_PROPERTY + root, path)

    def vectorstore(self, embedding: "Embeddings") -> "Milvus":
        """Give the collection as a LangChain vector store, for whatever LangChain does with one."""
        langchain_milvus = import_pymilvus("langchain_milvus")
        with self._errors():
            store: Milvus = langchain_milvus.Milvus(
                embedding_function=embedding,
                collection_name=self.target,
                connection_args=client_arguments(self.settings.milvus_uri, self.settings.milvus_key()),
                consistency_level=CONSISTENCY,
                index_params=INDEX_PARAMS,
                search_params=SEARCH_PARAMS,
                primary_field="id",
                text_field="text",
                vector_field="vector",
                enable_dynamic_field=True,
                timeout=self.settings.milvus_timeout,
            )
        return store

    def _errors(self) -> Any:
        return store_errors(self.settings.milvus_uri)


def open_store(settings: Settings) -> Store:
    """Open what was ingested, for reading. Raises StoreError where nothing was, ConfigError for an unusable address."""
    if store := open_store_if_any(settings):
        return store
    where = f"{without_credentials(settings.milvus_uri)} has no collection {settings.collection!r}"
    raise StoreError(f"{where}: nothing was ingested yet; run: askmd ingest PATH")


def open_store_if_any(settings: Settings) -> Store | None:
    """Open what was ingested, for reading; None where nothing was. Raises as `open_store` does."""
    uri = settings.milvus_uri
    if is_lite(uri) and not Path(uri).exists():
        return None
    client = connect(uri, settings.milvus_key(), settings.milvus_timeout)
    try:
        with store_errors(uri):
            if client.has_collection(settings.collection):
                return _describe(settings, client, target=settings.collection)
    except BaseException:
        disconnect(client, uri)
        raise
    disconnect(client, uri)
    return None


def open_or_create_store(settings: Settings, fingerprint: Fingerprint) -> Store:
    """Open the collection for writing; make it if there is none. Raises StoreError as `open_store` does."""
    uri = settings.milvus_uri
    client = connect(uri, settings.milvus_key(), settings.milvus_timeout)
    try:
        with store_errors(uri):
            if client.has_collection(settings.collection):
                return _describe(settings, client)
            store = create_beside(settings, client, fingerprint)
            client.create_alias(store.target, settings.collection)
            return store
    except BaseException:
        disconnect(client, uri)
        raise


def create_beside(settings: Settings, client: "MilvusClient", fingerprint: Fingerprint) -> Store:
    """Make an empty collection that no alias names yet: `publish` makes it the one that readers see."""
    pymilvus = import_pymilvus()
    DataType = pymilvus.DataType  # noqa: N806 - a class

    schema = pymilvus.MilvusClient.create_schema(auto_id=False, enable_dynamic_field=True)
    schema.add_field("id", DataType.VARCHAR, is_primary=True, max_length=64)
    schema.add_field("text", DataType.VARCHAR, max_length=MAX_TEXT_BYTES)
    schema.add_field("root", DataType.VARCHAR, max_length=MAX_NAME_BYTES)
    schema.add_field("doc", DataType.VARCHAR, max_length=MAX_NAME_BYTES)
    schema.add_field("ordinal", DataType.INT64)
    schema.add_field("file_hash", DataType.VARCHAR, max_length=64)
    schema.add_field("embed_hash", DataType.VARCHAR, max_length=64)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=fingerprint.dim)
    index = pymilvus.MilvusClient.prepare_index_params()
    index.add_index("vector", **INDEX_PARAMS)
    physical = f"{settings.collection}_{secrets.token_hex(4)}"
    with store_errors(settings.milvus_uri):
        client.create_collection(
            physical,
            schema=schema,
            index_params=index,
            consistency_level=CONSISTENCY,
            properties={FINGERPRINT_PROPERTY: fingerprint.to_json()},
        )
    return Store(settings, client, physical, fingerprint)


def publish(store: Store) -> None:
    """Let readers see `store` from now on in place of what they saw until now."""
    with store_errors(store.settings.milvus_uri):
        store.client.alter_alias(store.target, store.settings.collection)


def drop_leftovers(store: Store) -> None:
    """Drop the collections of a rebuild that came to nothing, or that it replaced. To be called by a sole writer."""
    client, alias = store.client, store.settings.collection
    own_name = re.compile(re.escape(alias) + r"_[0-9a-f]{8}")
    with store_errors(store.settings.milvus_uri):
        seen = client.describe_collection(alias)["collection_name"]
        for name in client.list_collections():
            if own_name.fullmatch(name) and name != seen and _is_ours(client.describe_collection(name)):
                client.drop_collection(name)


def _is_ours(described: Mapping[str, Any]) -> bool:
    return FINGERPRINT_PROPERTY in described["properties"]


def _describe(settings: Settings, client: "MilvusClient", target: str = "") -> Store:
    described = client.describe_collection(settings.collection)
    try:
        fingerprint = Fingerprint.from_json(described["properties"].get(FINGERPRINT_PROPERTY, ""))
    except (ValueError, TypeError):
        raise StoreError(
            f"collection {settings.collection!r} was not made by askmd; set ASKMD_COLLECTION to another name"
        ) from None
    client.load_collection(settings.collection)
    return Store(settings, client, target or described["collection_name"], fingerprint)


def require_same_vectors(store: Store, embedding: str, dim: int) -> None:
    """Refuse to search a store with a model that it was not built with. Raises StoreError."""
    built = store.fingerprint
    if (built.embedding, built.dim) != (embedding, dim):
        raise StoreError(
            f"collection {store.settings.collection!r} was built with embedding {built.embedding!r} "
            f"({built.dim} dimensions), the settings say {embedding!r} ({dim}); "
            f"set ASKMD_EMBEDDING={built.embedding}, or rebuild with: askmd ingest PATH --rebuild"
        )


def require_same_fingerprint(store: Store, wanted: Fingerprint) -> None:
    """Refuse to write chunks beside others that were cut or embedded in another way. Raises StoreError."""
    if differences := store.fingerprint.differences(wanted):
        raise StoreError(
            f"collection {store.settings.collection!r} was built with {'; '.join(differences)}; "
            "change the settings back, or rebuild with: askmd ingest PATH --rebuild"
        )

"""Where the collection is: opened, made, changed for another one; in a Lite file, on a server or in Zilliz Cloud."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from config.errors import StoreError
from config.settings import Settings
from store.collection import FINGERPRINT_PROPERTY, SESSION, STRONG, Store
from store.connection import connect, disconnect, is_lite, store_errors, without_credentials
from store.fingerprint import Fingerprint
from store.schema import fields, has_bm25, require_vectors

if TYPE_CHECKING:
    from pymilvus import MilvusClient


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
    with store_errors(settings.milvus_uri):
        server = client.get_server_version()
    require_vectors(len(fingerprint.dims), server)
    if not has_bm25(server):
        fingerprint = replace(fingerprint, lexical=0)
    schema, index = fields(fingerprint)
    physical = f"{settings.collection}_{secrets.token_hex(4)}"
    with store_errors(settings.milvus_uri):
        client.create_collection(
            physical,
            schema=schema,
            index_params=index,
            consistency_level=STRONG,
            num_shards=settings.shards,
            properties={FINGERPRINT_PROPERTY: fingerprint.to_json()},
        )
    return Store(settings, client, physical, fingerprint, SESSION)


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
    if target:
        return Store(settings, client, target, fingerprint)
    return Store(settings, client, described["collection_name"], fingerprint, SESSION)


def open_collection(settings: Settings, target: str, fingerprint: Fingerprint) -> Store:
    """Open a collection that another process has made and described. Raises StoreError and ConfigError."""
    client = connect(settings.milvus_uri, settings.milvus_key(), settings.milvus_timeout)
    return Store(settings, client, target, fingerprint, SESSION)

"""Whether a collection was built as the settings say: what was built otherwise must not be searched or added to."""

from collections.abc import Sequence
from dataclasses import replace

from config.errors import StoreError
from store.collection import Store
from store.fingerprint import Fingerprint


def require_same_vectors(store: Store, embedding: str, dims: Sequence[int]) -> None:
    """Refuse to search a store with models that it was not built with. Raises StoreError."""
    built = store.fingerprint
    if (built.embedding, built.dims) != (embedding, tuple(dims)):
        raise StoreError(
            f"collection {store.settings.collection!r} was built with embedding {built.embedding!r} "
            f"({_sizes(built.dims)} dimensions), the settings say {embedding!r} ({_sizes(dims)}); "
            f"set ASKMD_EMBEDDING={built.embedding}, or rebuild with: askmd ingest PATH --rebuild"
        )


def _sizes(dims: Sequence[int]) -> str:
    return "+".join(map(str, dims))


def require_same_fingerprint(store: Store, wanted: Fingerprint) -> None:
    """Refuse to write chunks beside others that were cut or embedded in another way. Raises StoreError."""
    if not store.fingerprint.lexical:
        wanted = replace(wanted, lexical=0)  # this Milvus has no BM25: nothing that a rebuild could change
    if differences := store.fingerprint.differences(wanted):
        raise StoreError(
            f"collection {store.settings.collection!r} was built with {'; '.join(differences)}; "
            "change the settings back, or rebuild with: askmd ingest PATH --rebuild"
        )

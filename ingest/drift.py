"""Which sources are no longer as they were ingested."""

from dataclasses import dataclass
from pathlib import Path

from config.errors import SourceError
from ingest.load import find_docs, open_root, read_bytes
from store.file_hash import hash_file
from store.milvus import Store


@dataclass(frozen=True, slots=True)
class Drift:
    """Documents of one root, by what happened to them since they were ingested."""

    changed: list[str]
    gone: list[str]
    new: list[str]


def find_drift(store: Store, root: str, path: Path) -> Drift:
    """Compare a root in the store with its files. A path that is not there any more has lost all of them."""
    stored = store.file_hashes(root)
    if not path.exists():
        return Drift([], sorted(stored), [])
    folder = open_root(path, root)
    changed, gone = [], []
    for doc, file_hash in sorted(stored.items()):
        try:
            now = hash_file(read_bytes(folder, doc))
        except SourceError:
            gone.append(doc)
            continue
        if now != file_hash:
            changed.append(doc)
    return Drift(changed, gone, [doc for doc in find_docs(folder).docs if doc not in stored])

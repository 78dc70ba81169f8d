"""Which sources are no longer as they were ingested."""

from dataclasses import dataclass
from pathlib import Path

from config.errors import SourceError
from ingest.find import find_docs, open_root
from ingest.load import read_each
from store.collection import Store
from store.file_hash import hash_file
from store.location import is_remote


@dataclass(frozen=True, slots=True)
class Drift:
    """Documents of one root, by what happened to them since they were ingested."""

    changed: list[str]
    gone: list[str]
    new: list[str]


def find_drift(store: Store, root: str, location: str) -> Drift:
    """Compare a root in the store with its files. A folder of this machine that is not there has lost all of them.

    Raises SourceError for an address that cannot be reached.
    """
    stored = store.file_hashes(root)
    if not is_remote(location) and not Path(location).exists():
        return Drift([], sorted(stored), [])
    folder = open_root(location, root)
    changed, gone = [], []
    for doc, data in read_each(folder, sorted(stored)):
        if isinstance(data, SourceError):
            gone.append(doc)
        elif hash_file(data) != stored[doc]:
            changed.append(doc)
    return Drift(changed, gone, [doc for doc in find_docs(folder).docs if doc not in stored])

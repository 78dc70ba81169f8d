"""The whole of ingestion: settings and a path in, a report out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from config.errors import SourceError, StoreError
from config.settings import Settings
from ingest.engines import open_engine
from ingest.find import Found, Root, find_docs, open_root
from ingest.ingestion import Ingestion, Progress, ignore_progress
from ingest.report import SyncReport
from ingest.split import SPLITTER_VERSION
from ingest.splitter import chunk_tokens
from ingest.sync import sync
from store.collection import GATE_PROPERTY, Store
from store.compatible import require_same_fingerprint
from store.connection import is_lite
from store.embeddings import EmbeddingModel, configured_embeddings, name_together
from store.fingerprint import LEXICAL_VERSION, PARTS_VERSION, Fingerprint
from store.lease import EVERYTHING, lease
from store.location import is_remote
from store.milvus import create_beside, drop_leftovers, open_or_create_store, open_store_if_any, publish


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """What one ingest may do differently from another."""

    name: str | None = None
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    dry_run: bool = False
    rebuild: bool = False
    allow_empty: bool = False
    engine: str = "local"
    on_file: Progress = ignore_progress


def ingest(
    settings: Settings,
    path: Path | str,
    options: IngestOptions | None = None,
    embeddings: Sequence[EmbeddingModel] = (),
) -> SyncReport:
    """Bring the store in step with a folder or a file: a path, or an address of fsspec such as `s3://bucket/docs`.

    `embeddings` that are already open save opening them.

    Raises SourceError for a path that is not there or would come out empty, StoreError where Milvus fails or the
    collection was built with other settings, EmbeddingError where the model cannot be had.
    """
    options = options or IngestOptions()
    root = open_root(path, options.name)
    embeddings = embeddings or configured_embeddings(settings)
    with open_engine(options.engine, settings, embeddings) as engine:
        work = Ingestion(
            root=root,
            found=find_docs(root, options.include, options.exclude),
            engine=engine,
            dry_run=options.dry_run,
            allow_empty=options.allow_empty,
            on_file=options.on_file,
        )
        fingerprint = make_fingerprint(settings, embeddings)
        if options.dry_run:
            return _plan(settings, work, fingerprint, rebuild=options.rebuild)
        return _write(settings, work, fingerprint, options)


def _write(settings: Settings, work: Ingestion, fingerprint: Fingerprint, options: IngestOptions) -> SyncReport:
    root = work.root
    with open_or_create_store(settings, fingerprint) as store:
        _check_claim(store, root, named=options.name is not None)
        if is_lite(settings.milvus_uri):  # its file has no other writer: whatever is left over is dead
            drop_leftovers(store)
        if options.rebuild:
            return _rebuild(store, work, fingerprint)
        require_same_fingerprint(store, fingerprint)
        with lease(store, root.name):
            return sync(store, work)


def make_fingerprint(settings: Settings, embeddings: Sequence[EmbeddingModel]) -> Fingerprint:
    """Name all that decides how rows come out."""
    return Fingerprint(
        embedding=name_together(embeddings),
        dims=tuple(embedding.dim for embedding in embeddings),
        lexical=LEXICAL_VERSION,
        splitter=f"{settings.splitter} {SPLITTER_VERSION}",
        chunk_tokens=chunk_tokens(settings, embeddings),
        index=settings.index,
        parts=PARTS_VERSION if all(embedding.has_parts for embedding in embeddings) else 0,
    )


def _plan(settings: Settings, work: Ingestion, fingerprint: Fingerprint, *, rebuild: bool) -> SyncReport:
    store = open_store_if_any(settings)
    if store is None:
        return sync(None, work)
    with store:
        if rebuild:
            return sync(None, work)
        require_same_fingerprint(store, fingerprint)
        return sync(store, work)


def _check_claim(store: Store, root: Root, *, named: bool) -> None:
    """Keep two folders that happen to have the same name from replacing each other."""
    known = store.roots().get(root.name)
    if known not in (None, root.location) and not named:
        raise StoreError(
            f"{root.name!r} was ingested from {known}; ingesting {root.location} under that name would replace it: "
            f"choose another with --name, or say --name {root.name} if it is the same in a new place"
        )


def _rebuild(old: Store, work: Ingestion, fingerprint: Fingerprint) -> SyncReport:
    """Build all roots anew in a collection beside the old one, which readers see until the new one is whole."""
    others = [open_root(path, name) for name, path in _reachable(old.roots(), work.root.name)]
    with lease(old, EVERYTHING):
        drop_leftovers(old)
        new = create_beside(old.settings, old.client, fingerprint)
        report = _rebuild_root(old, new, work)
        for root in others:
            again = replace(work, root=root, found=Found(sorted(old.file_hashes(root.name))))
            report.reported += _rebuild_root(old, new, again).reported
        if new.fingerprint.embedding == old.fingerprint.embedding and (gate := old.properties().get(GATE_PROPERTY)):
            new.set_properties({GATE_PROPERTY: gate})
        publish(new)
    drop_leftovers(new)
    return report


def _rebuild_root(old: Store, new: Store, work: Ingestion) -> SyncReport:
    """Sync a root into the new collection. Raises SourceError rather than lose a file that the old one holds."""
    report = sync(new, work)
    held = old.file_hashes(work.root.name)
    for lost in report.reported:
        if lost.skipped and (lost.doc in held or not work.found.covers(f"{lost.doc}/")):
            raise SourceError(f"cannot rebuild: {work.root.name}/{lost.doc}: {lost.reason}; the old rows stay")
    return report


def _reachable(roots: dict[str, str], but: str) -> Iterator[tuple[str, str]]:
    for name, path in roots.items():
        if name != but and not is_remote(path) and not Path(path).exists():
            raise SourceError(
                f"cannot rebuild {name!r}: {path} is not there; bring it back, or take it out with: askmd remove {name}"
            )
        if name != but:
            yield name, path

"""Reading, splitting and embedding on a Ray cluster: two stages of Ray Data, whose results come back in order.

Workers ask the store which texts have vectors already; this process alone writes. What a worker had in hand when it
died is done again by another, and no more is begun than the results that wait to be written leave room for.
"""

import pickle
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import SecretStr

from config.errors import AskmdError, EngineError
from config.settings import Settings
from ingest.embed import embed, holders, texts_of
from ingest.find import Root
from ingest.ingestion import Ingestion, Window, in_windows
from ingest.load import read_each
from ingest.prepare import PreparedFile, Splitter, prepare
from ingest.splitter import make_splitter
from store.collection import Store
from store.embeddings import EmbeddingModel, open_embeddings
from store.fingerprint import Fingerprint
from store.milvus import open_collection
from store.rows import Embedded

FILES_A_TASK = 64
"""Enough to embed in one go, few enough to be done again."""

TASKS_A_PROCESSOR = 4
"""Fewer, and the last ones would let most of a cluster wait."""

Batch = dict[str, npt.NDArray[Any]]
"""What Ray Data gives and takes: columns of equal length."""


@dataclass(frozen=True, slots=True)
class RayEngine:
    """An engine (ingest/ingestion.py) on the cluster that this process is connected to."""

    settings: Settings
    embedding: str

    def windows(self, ingestion: Ingestion, stored: Mapping[str, str], store: Store | None) -> Iterator[Window]:
        """See Engine."""
        seen: set[str] = set()
        docs = ingestion.found.docs
        results = self._embedded(ingestion, stored, store)
        for files in in_windows(results, lambda each: len(each.file.rows or ())):
            new = {hash_ for each in files for hash_ in each.new} - seen
            seen |= new
            embedded = {hash_: unpacked for each in files for hash_, unpacked in each.unpack()}
            yield Window([each.file for each in files], embedded, new)
        ingestion.on_file(len(docs), len(docs))

    def _embedded(
        self, ingestion: Ingestion, stored: Mapping[str, str], store: Store | None
    ) -> "Iterator[_EmbeddedFile]":
        import ray.data

        docs = ingestion.found.docs
        if not docs:
            return
        job = pickle.dumps(_Job.of(self, ingestion, store))
        _quiet_and_in_order()
        processors = int(ray.cluster_resources().get("CPU", 1))  # type: ignore[no-untyped-call]  # of Ray
        files_a_task = max(1, min(FILES_A_TASK, len(docs) // (TASKS_A_PROCESSOR * processors)))
        stages = (
            ray.data.from_items(
                [{"doc": doc, "stored_hash": stored.get(doc, "")} for doc in docs],
                override_num_blocks=-(-len(docs) // files_a_task),
            )
            .map_batches(partial(_prepare_batch, job=job), batch_size=None)
            .map_batches(partial(_embed_batch, job=job), batch_size=None)
        )
        batches = stages.iter_batches(batch_size=None, batch_format="numpy", prefetch_batches=1)
        for done, packed in enumerate(_packed_files(batches)):
            ingestion.on_file(done, len(docs))
            result = pickle.loads(packed)  # noqa: S301 - written by our own workers
            if isinstance(result, AskmdError):
                raise result
            yield result


@dataclass(frozen=True, slots=True)
class _EmbeddedFile:
    """A prepared file, what the models made of its rows, and which of its texts the store did not know.

    Vectors travel as arrays of numbers, beside the parts that belong to them.
    """

    file: PreparedFile
    embedded: Mapping[str, Sequence[tuple[npt.NDArray[np.float32], str]]]
    new: AbstractSet[str]

    def unpack(self) -> Iterator[tuple[str, list[Embedded]]]:
        """Give what was embedded as the store takes it."""
        return (
            (hash_, [Embedded(vector.tolist(), parts) for vector, parts in each])
            for hash_, each in self.embedded.items()
        )


@dataclass(frozen=True, slots=True)
class _Job:
    """All that a worker has to know, the same for each batch. It holds keys: it travels, and is never shown."""

    settings: Settings
    embedding: str
    api_key: SecretStr | None
    root: Root
    max_file_bytes: int
    dry_run: bool
    collection: str | None
    fingerprint: Fingerprint | None

    @classmethod
    def of(cls, engine: RayEngine, ingestion: Ingestion, store: Store | None) -> "_Job":
        """Gather it."""
        return cls(
            engine.settings,
            engine.embedding,
            engine.settings.embedding_key(),
            ingestion.root,
            ingestion.max_file_bytes,
            ingestion.dry_run,
            store.target if store else None,
            store.fingerprint if store else None,
        )


class _Worker:
    """What a process of the cluster keeps open from batch to batch."""

    def __init__(self, job: _Job) -> None:
        self.job = job
        self.encoders: Sequence[EmbeddingModel] = open_embeddings(
            job.embedding, parts=job.settings.parts, base_url=job.settings.embedding_base_url, api_key=job.api_key
        )
        self.split: Splitter = make_splitter(job.settings, self.encoders)
        self.store = (
            open_collection(job.settings, job.collection, job.fingerprint)
            if job.collection and job.fingerprint
            else None
        )


@lru_cache(maxsize=1)
def _worker(job: bytes) -> _Worker:
    return _Worker(pickle.loads(job))  # noqa: S301 - written by our own driver


def _prepare_batch(batch: Batch, job: bytes) -> Batch:
    """Stage 1: files to rows. A failure is a result too: Ray would log it, and wrap it."""
    try:
        worker = _worker(job)
        root, stored = worker.job.root, dict(zip(batch["doc"], batch["stored_hash"], strict=True))
        files = read_each(root, list(stored), worker.job.max_file_bytes)
        return _packed([prepare(root.name, doc, data, stored[doc], worker.split) for doc, data in files])
    except AskmdError as error:
        return _packed([error])


def _embed_batch(batch: Batch, job: bytes) -> Batch:
    """Stage 2: texts to vectors."""
    files: list[Any] = [pickle.loads(packed) for packed in batch["file"]]  # noqa: S301 - written by stage 1
    try:
        if failures := [file for file in files if isinstance(file, AskmdError)]:
            raise failures[0]
        return _packed(_embed_files(_worker(job), files))
    except AskmdError as error:
        return _packed([error])


def _embed_files(worker: _Worker, files: Sequence[PreparedFile]) -> list[_EmbeddedFile]:
    texts, store = texts_of(files), worker.store
    held = holders(store, texts) if store else {}
    if worker.job.dry_run:
        return [_EmbeddedFile(file, {}, texts_of([file]).keys() - held.keys()) for file in files]
    known = store.embedded(list(held.values())) if store else {}
    new = {hash_: text for hash_, text in texts.items() if hash_ not in known}
    embedded = known | embed(worker.encoders, new)
    arrays = {
        hash_: [(np.asarray(each.vector, np.float32), each.parts) for each in by_model]
        for hash_, by_model in embedded.items()
    }
    return [
        _EmbeddedFile(file, {hash_: arrays[hash_] for hash_ in own}, own & new.keys())
        for file in files
        for own in [texts_of([file]).keys()]
    ]


def _packed_files(batches: Iterable[Any]) -> Iterator[bytes]:
    """Give what the workers made. Raises EngineError for what is not theirs: the cluster's failures."""
    from ray.exceptions import RayError

    try:
        for batch in batches:
            yield from batch["file"]
    except RayError as error:
        reason = str(error).strip().splitlines()[-1]
        raise EngineError(
            f"the Ray cluster failed: {reason[:300]}; is askmd[ray] installed on each of its machines, in this version?"
        ) from None


def _packed(results: Sequence[Any]) -> Batch:
    return {"file": np.array([pickle.dumps(result) for result in results], dtype=object)}


def _quiet_and_in_order() -> None:
    """Ray Data's own bars and news would stand beside ours; out of order, files would come as they are done."""
    import logging

    from ray.data import DataContext

    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.execution_options.preserve_order = True
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)  # a failure is raised, too

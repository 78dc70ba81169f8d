"""Ingestion on a Ray cluster of this machine into a Milvus server process: the same as on one machine."""

import gc
import os
import re
import signal
import subprocess
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import ray

from config.errors import ConfigError, EmbeddingError, EngineError
from config.settings import Settings
from ingest.find import find_docs, open_root
from ingest.ingestion import Ingestion
from ingest.pipeline import IngestOptions, ingest
from ingest.ray_engine import RayEngine
from ingest.report import SyncReport
from store.milvus import open_store
from store.rows import SHOWN_FIELDS
from tests.support.command import ASKMD, askmd
from tests.support.embedding_server import EmbeddingServer
from tests.support.held_embedding_server import HeldEmbeddingServer
from tests.support.milvus_server import MilvusServer
from tests.support.ray_workers import ray_workers
from tests.support.stores import write_files
from tests.support.waiting import wait_until
from tests.support.web_listing import WebListing

pytestmark = pytest.mark.timeout(600)  # each starts processes that import most of what is installed

FILES = {f"{n // 10}/{n}.md": f"# File\n\nAll files say this.\n\n## Its own\n\nWords of {n}.\n" for n in range(30)}


@pytest.fixture(scope="module")
def milvus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with MilvusServer(tmp_path_factory.mktemp("milvus")) as server:
        yield server.uri


def start_ray() -> None:
    """A busy machine may need longer than the 30 s that Ray waits for its own processes.

    Ray gives its workers what others leave of the processors; beside other tests they would hardly begin.
    """
    for tries_left in (3, 2, 1, 0):
        try:
            ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, _system_config={"worker_niceness": 0})
        except Exception:
            ray.shutdown()
            if not tries_left:
                raise
        else:
            return
        with warnings.catch_warnings():  # Ray never waits for the processes of a start that failed
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """Gives the address of a cluster, to which this process is connected."""
    start_ray()
    yield ray.get_runtime_context().gcs_address
    ray.shutdown()


class Bench:
    """One folder, synced into a collection by each engine; `source` is its address, if it is reached by one."""

    def __init__(self, milvus: str, server: EmbeddingServer, folder: Path, name: str) -> None:
        self.folder, self.name = folder, f"command_{name}"
        self.source: Path | str = folder
        self._settings = Settings(
            milvus_uri=milvus,
            embedding="openai:scripted",
            embedding_base_url=server.base_url,
            collection=f"local_{name}",
        )

    def settings(self, engine: str) -> Settings:
        collection = self._settings.collection.replace("local", engine)
        return self._settings.model_copy(update={"collection": collection})

    def ingest(self, engine: str, **options: Any) -> SyncReport:
        report = ingest(self.settings(engine), self.source, IngestOptions(engine=engine, **options))
        report.seconds = 0
        return report

    def rows(self, engine: str) -> dict[str, dict[str, Any]]:
        with open_store(self.settings(engine)) as store:
            fields = [*SHOWN_FIELDS, "lexical", "embed_hash", "file_hash"]
            return {row["id"]: row for row in store.rows("", fields)}

    def vectors(self, engine: str) -> list[list[float]]:
        with open_store(self.settings(engine)) as store:
            return [
                vector for _, vector in sorted((row["id"], row["vector"]) for row in store.rows("", ["id", "vector"]))
            ]


@pytest.fixture
def server() -> Iterator[HeldEmbeddingServer]:
    with HeldEmbeddingServer("Words") as started:
        started.go.set()
        yield started


@pytest.fixture
def bench(milvus: str, server: HeldEmbeddingServer, tmp_path: Path, request: pytest.FixtureRequest) -> Bench:
    return Bench(milvus, server, write_files(tmp_path / "docs", FILES), f"{abs(hash(request.node.nodeid))}")


@pytest.mark.usefixtures("cluster")
def test_both_engines_do_the_same(bench: Bench) -> None:
    def alike(**options: Any) -> SyncReport:
        report = bench.ingest("ray", **options)
        assert report == bench.ingest("local", **options)
        return report

    planned = alike(dry_run=True)
    first = alike()
    assert (planned.added, planned.embedded) == (first.added, first.embedded) == (30, 60 - 29)
    (bench.folder / "bad.md").write_bytes(bytes(range(128, 256)) * 3)
    write_files(
        bench.folder,
        {doc: text for doc, text in FILES.items() if doc > "1/"}
        | {"moved.md": FILES["0/1.md"], "2/22.md": FILES["2/22.md"] + "\nAnd more.\n", "new.md": "# New\n\nNews.\n"},
    )
    planned = alike(dry_run=True)
    second = alike()
    assert (second.added, second.changed, second.moved, second.deleted) == (1, 1, 1, 9)
    assert planned.embedded == second.embedded == 2
    assert bench.rows("ray") == bench.rows("local")
    np.testing.assert_allclose(bench.vectors("ray"), bench.vectors("local"), atol=1e-6)
    assert alike().embedded == 0
    assert alike(rebuild=True).chunks == second.chunks


@pytest.mark.usefixtures("cluster")
def test_workers_read_from_wherever_fsspec_reaches(bench: Bench) -> None:
    with WebListing(bench.folder.parent) as web:
        bench.source = f"{web.root_url}/docs/"
        assert bench.ingest("ray") == bench.ingest("local")
    rows = bench.rows("ray")
    assert rows == bench.rows("local")
    assert {row["doc"] for row in rows.values()} == FILES.keys()


@pytest.mark.usefixtures("cluster")
def test_a_worker_that_is_killed_loses_nothing(bench: Bench, server: HeldEmbeddingServer) -> None:
    server.go.clear()
    with ThreadPoolExecutor(1) as thread:
        report = thread.submit(bench.ingest, "ray")
        wait_until(lambda: server.is_holding)
        killed = ray_workers("MapBatches")
        for process in killed:
            process.send_signal(signal.SIGKILL)
        server.go.set()
        assert killed
        assert report.result(240) == bench.ingest("local")
    assert bench.rows("ray") == bench.rows("local")


def numberless(error: Exception) -> str:
    return re.sub(r"\d+", "n", str(error))


@pytest.mark.usefixtures("cluster")
def test_what_fails_in_a_worker_fails_here_in_the_same_words(bench: Bench, server: HeldEmbeddingServer) -> None:
    server.fails = True
    with pytest.raises(EmbeddingError) as local:
        bench.ingest("local")
    with pytest.raises(EmbeddingError) as distributed:
        bench.ingest("ray")
    server.fails = False

    assert numberless(distributed.value) == numberless(local.value)  # a worker has fewer texts in hand
    assert bench.ingest("ray") == bench.ingest("local")


@pytest.mark.usefixtures("cluster")
def test_a_cluster_that_lacks_something_says_what(bench: Bench) -> None:
    """As a machine without askmd does, or with another version; here by settings that no version takes."""
    engine = RayEngine(bench.settings("ray").model_copy(update={"chunk_tokens": "many"}), "multilingual")
    root = open_root(bench.folder)
    ingestion = Ingestion(root=root, found=find_docs(root), engine=engine, dry_run=True)

    with pytest.raises(EngineError, match=r"the Ray cluster failed: .*; is askmd\[ray\] installed on each"):
        list(engine.windows(ingestion, {}, None))


def run_command(bench: Bench, address: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own: this one may be connected to a cluster."""
    variables = {"RAY_ADDRESS": address, "MILVUS_URI": bench.settings("ray").milvus_uri, "ASKMD_COLLECTION": bench.name}
    words = [ASKMD, "ingest", str(bench.folder), "--engine", "ray"]
    return subprocess.run(
        words, env={**os.environ, **variables}, check=False, capture_output=True, text=True, timeout=270
    )


def test_the_command_runs_on_the_cluster_that_ray_address_names(cluster: str, bench: Bench) -> None:
    done = run_command(bench, cluster)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("30 added")


def test_a_cluster_that_is_not_there_is_said_at_once(bench: Bench) -> None:
    done = run_command(bench, "127.0.0.1:9")

    assert done.returncode == 2
    assert done.stderr.startswith("askmd: no Ray cluster answers at RAY_ADDRESS '127.0.0.1:9': ")


def test_a_file_of_milvus_lite_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    write_files(tmp_path / "docs", FILES)
    done = askmd("ingest", "docs", "--engine", "ray", status=2)
    assert "askmd.db" in done.stderr
    assert not (tmp_path / "askmd.db").exists()


def test_an_engine_of_another_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no engine is called 'spark'; use local or ray"):
        ingest(Settings(milvus_uri="x.db"), write_files(tmp_path / "docs", FILES), IngestOptions(engine="spark"))

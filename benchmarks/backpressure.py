"""What an ingest on Ray holds in memory while writing is slow, for folders of several sizes.

    python -m benchmarks.backpressure [--files 500 1000 2000 4000] [--store-mb 100] [--kilobytes-a-second 2000]

A cluster on this machine with a small object store, an embedding server that answers at once, and a `milvus-lite
server` behind a line that takes so many kilobytes a second from each client: what is embedded has to wait. Every file
has 20 chunks, each with 1,536 numbers (6 kB). Without backpressure all of it would be embedded long before it is
written, and the object store would have to be spilled to disk. Printed for each size, the most that was seen:

- ahead: chunks that were embedded and not yet written;
- object store, and what of it was spilled to disk, MB;
- memory of the process that ingests and of the largest worker, MB (without the object store that they share).
"""

import argparse
import os
import re
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import ray
from pymilvus import MilvusClient
from ray._private.internal_api import memory_summary  # what `ray memory` prints; there is no public call

from benchmarks.serve import Forgetful
from tests.support.command import ASKMD
from tests.support.embedding_server import EmbeddingServer
from tests.support.json_server import Request
from tests.support.milvus_server import MilvusServer
from tests.support.ray_workers import ray_workers

CHUNKS_A_FILE = 20
DIMENSIONS = 1_536
PIECE = 16_384


class QuickServer(EmbeddingServer):
    """Counts the texts, and keeps no request."""

    def __init__(self) -> None:
        super().__init__(dimensions=DIMENSIONS)
        self.requests = Forgetful()
        self.embedded = 0
        self._counting = threading.Lock()

    def reply(self, request: Request) -> dict[str, Any]:
        with self._counting:
            self.embedded += len(request.body["input"])
        return super().reply(request)


@dataclass
class Most:
    """The most that was seen of each."""

    ahead: int = 0
    object_store: float = 0
    spilled: float = 0
    ingest: float = 0
    worker: float = 0

    def see(self, **values: float) -> None:
        for name, value in values.items():
            setattr(self, name, max(getattr(self, name), value))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, nargs="+", default=[500, 1_000, 2_000, 4_000])
    parser.add_argument("--store-mb", type=int, default=100)
    parser.add_argument("--kilobytes-a-second", type=int, default=2_000)
    options = parser.parse_args()
    ray.init(num_cpus=2, object_store_memory=options.store_mb * 1_000_000, include_dashboard=False, log_to_driver=False)
    print("| chunks | vectors, MB | s | ahead | object store, MB | spilled, MB | ingest, MB | largest worker, MB |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for files in options.files:
        began = time.monotonic()
        most = measure(files, options.kilobytes_a_second * 1_000)
        chunks = files * CHUNKS_A_FILE
        print(
            f"| {chunks:,} | {chunks * DIMENSIONS * 4 // 1_000_000} | {time.monotonic() - began:.0f} | {most.ahead:,} "
            f"| {most.object_store:.0f} | {most.spilled:.0f} | {most.ingest:.0f} | {most.worker:.0f} |",
            flush=True,
        )
    ray.shutdown()


def measure(files: int, bytes_a_second: int) -> Most:
    """Ingest so many files, and look every second."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        write(folder / "docs", files)
        milvus = stack.enter_context(MilvusServer(folder / "milvus"))
        slow = stack.enter_context(slow_line(milvus.uri, bytes_a_second))
        server = stack.enter_context(QuickServer())
        environment = {
            **os.environ,
            "RAY_ADDRESS": ray.get_runtime_context().gcs_address,
            "MILVUS_URI": slow,
            "ASKMD_MILVUS_TIMEOUT": "600",
            "ASKMD_EMBEDDING": "openai:scripted",
            "ASKMD_EMBEDDING_BASE_URL": server.base_url,
        }
        most, spilled_before = Most(), object_store()["spilled"]
        command = [ASKMD, "ingest", str(folder / "docs"), "--engine", "ray"]
        process = stack.enter_context(subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True))
        with closing(MilvusClient(milvus.uri)) as client:
            while process.poll() is None:
                store = object_store()
                most.see(
                    ahead=server.embedded - written(client),
                    object_store=store["used"],
                    spilled=store["spilled"] - spilled_before,
                    ingest=own_memory(process.pid),
                    worker=max((own_memory(each.pid) for each in ray_workers()), default=0),
                )
                time.sleep(1)
            if process.returncode or written(client) != files * CHUNKS_A_FILE:
                raise RuntimeError(f"the ingest ended with {process.returncode} and {written(client)} rows")
        return most


def write(folder: Path, files: int) -> None:
    """Each section is one chunk, and no two are the same."""
    folder.mkdir()
    for number in range(files):
        sections = (
            f"# Part {part} of {number}\n\n" + f"Gadget {number}-{part} has wheels of steel. " * 10
            for part in range(CHUNKS_A_FILE)
        )
        (folder / f"{number}.md").write_text("\n\n".join(sections), "utf-8")


def written(client: MilvusClient) -> int:
    """Count the rows that are in the store; 0 before there is a collection."""
    names = [name for name in client.list_collections() if name.startswith("askmd")]
    counts = (client.query(name, "", output_fields=["count(*)"])[0]["count(*)"] for name in names)
    return max(counts, default=0)


def object_store() -> Mapping[str, float]:
    """Give what the object store holds, and what was ever spilled from it, MB."""
    text = memory_summary(ray.get_runtime_context().gcs_address, stats_only=True)  # type: ignore[no-untyped-call]  # of Ray
    used = re.search(r"Plasma memory usage (\d+) MiB", text)
    spilled = re.search(r"Spilled (\d+) MiB", text)
    return {"used": float(used[1]) if used else 0, "spilled": float(spilled[1]) if spilled else 0}


def own_memory(pid: int) -> float:
    """MB that a process holds of its own, without what it shares."""
    with suppress(psutil.NoSuchProcess):
        memory = psutil.Process(pid).memory_info()
        return float(memory.rss - memory.shared) / 1_000_000
    return 0.0


@contextmanager
def slow_line(uri: str, bytes_a_second: int) -> Iterator[str]:
    """Give an address that leads to the server, and takes only so much from each connection."""
    target = ("127.0.0.1", int(urlsplit(uri).port or 0))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept, args=(listener, target, bytes_a_second), daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def _accept(listener: socket.socket, target: tuple[str, int], bytes_a_second: int) -> None:
    with suppress(OSError):  # closed: the end
        while True:
            near, _ = listener.accept()
            near.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, PIECE)
            far = socket.create_connection(target)
            for source, sink, rate in ((near, far, bytes_a_second), (far, near, 0)):
                threading.Thread(target=_pump, args=(source, sink, rate), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket, bytes_a_second: int) -> None:
    with suppress(OSError):  # either side hung up
        while piece := source.recv(PIECE):
            sink.sendall(piece)
            if bytes_a_second:
                time.sleep(len(piece) / bytes_a_second)
    for each in (source, sink):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


if __name__ == "__main__":
    main()

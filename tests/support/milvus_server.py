"""A Milvus server process on the loopback: Milvus Lite's engine over gRPC, which any number of clients can reach."""

import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class MilvusServer:
    """Runs `milvus-lite server` while it is entered."""

    def __init__(self, data: Path) -> None:
        self._port = free_port()
        program = str(Path(sys.executable).with_name("milvus-lite"))
        self._command = [program, "server", "--data-dir", str(data), "--host", "127.0.0.1", "--port", str(self._port)]

    @property
    def uri(self) -> str:
        """What MILVUS_URI has to be."""
        return f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(300):
            try:
                socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
            except OSError:
                time.sleep(0.1)
            else:
                return self
        raise RuntimeError("the Milvus server did not start")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(timeout=30)

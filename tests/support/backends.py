"""The kinds of Milvus that askmd runs on, for the tests that must hold on each of them."""

import json
import os
import secrets
import signal
import sys
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from pymilvus import MilvusClient, MilvusException

from config.settings import Settings
from tests.support.milvus_server import MilvusServer, free_port

BACKENDS = ("lite", "lite-server", "milvus-2.3")
MILVUS_2_3 = Path(sys.prefix) / "milvus-2.3/bin/milvus-server"
"""Where the Makefile installs it."""


@dataclass(frozen=True)
class Backend:
    """A Milvus: a file of Milvus Lite for each test (`uri` is None), or a server."""

    name: str
    uri: str | None = None
    lexical: bool = True
    several_vectors: bool = True

    def settings(self, folder: Path, **choices: Any) -> Settings:
        """Settings with a collection that nobody else has."""
        where = {"milvus_uri": self.uri or str(folder / "s.db"), "collection": f"t{secrets.token_hex(6)}"}
        if not self.several_vectors:
            where["embedding"] = "multilingual"
        return Settings(**{**where, **choices})


def open_backend(name: str, folder: Path, shared: Path, stack: ExitStack) -> Backend:
    """Start what has to be started: a server of Milvus Lite for this process, one of Milvus 2.3 for the whole run."""
    match name:
        case "lite-server":
            return Backend(name, stack.enter_context(MilvusServer(folder / "data")).uri)
        case "milvus-2.3":
            if not MILVUS_2_3.exists():
                pytest.skip(f"{MILVUS_2_3} is not installed")
            return Backend(name, shared_server(shared), lexical=False, several_vectors=False)
    return Backend(name)


def shared_server(folder: Path) -> str:
    """Give the address of the run's server; whoever asks first starts it."""
    noted = folder / "server.json"
    with FileLock(folder / "server.lock"):
        if not noted.exists():
            port = free_port()
            command = [str(MILVUS_2_3), "--data", str(folder / "milvus"), "--proxy-port", str(port)]
            silent = [(os.POSIX_SPAWN_OPEN, stream, os.devnull, os.O_WRONLY, 0) for stream in (1, 2)]
            pid = os.posix_spawn(command[0], command, os.environ, file_actions=silent, setsid=True)
            noted.write_text(json.dumps({"pid": pid, "uri": f"http://127.0.0.1:{port}"}))
            wait_until_it_serves(f"http://127.0.0.1:{port}")
    return str(json.loads(noted.read_text())["uri"])


def wait_until_it_serves(uri: str) -> None:
    end = time.monotonic() + 120
    while True:
        with suppress(MilvusException):
            client = MilvusClient(uri, timeout=5)
            client.list_collections()
            client.close()
            return
        assert time.monotonic() < end, "Milvus did not start"
        time.sleep(0.5)


def stop_shared_server(folder: Path) -> None:
    """End it with its children, if it was started."""
    with suppress(FileNotFoundError, ProcessLookupError):
        os.killpg(json.loads((folder / "server.json").read_text())["pid"], signal.SIGKILL)

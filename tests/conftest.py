"""What every test gets: a working directory of its own and an environment without the developer's keys."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings

from tests.support.backends import BACKENDS, Backend, open_backend, stop_shared_server

settings.register_profile("askmd", deadline=None)  # how long an example takes is the machine's affair
settings.load_profile("askmd")


@pytest.fixture(autouse=True)
def _own_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings read the environment and files of the working directory: give each test neither but its own."""
    for variable in list(os.environ):
        if variable.startswith(("ASKMD_", "MILVUS_")) or variable.endswith("_API_KEY"):
            monkeypatch.delenv(variable)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.chdir(tmp_path)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Two a processor, because tests wait for half of their time; not more than memory is sure to hold."""
    return min(2 * (os.cpu_count() or 1), 8)


@pytest.fixture(scope="session", params=BACKENDS)
def milvus(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """Each kind of Milvus in turn."""
    with ExitStack() as stack:
        shared = Path(os.environ[SHARED_FOLDER])
        yield open_backend(request.param, tmp_path_factory.mktemp(request.param), shared, stack)


SHARED_FOLDER = "TESTS_SHARED_FOLDER"
"""Variable: where the processes of one run leave each other notes."""

_run = ExitStack()


def pytest_configure(config: pytest.Config) -> None:
    """Let Ctrl-C reach the processes that tests start, also where the tests run in the background: shells have it
    ignored there, and children inherit that.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if not hasattr(config, "workerinput"):
        shared = _run.enter_context(TemporaryDirectory(prefix="askmd-tests-", ignore_cleanup_errors=True))
        os.environ[SHARED_FOLDER] = shared
        _run.callback(stop_shared_server, Path(shared))


def pytest_unconfigure() -> None:
    """End what outlived the workers."""
    _run.close()

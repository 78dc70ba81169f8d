"""What every test gets: a working directory of its own and an environment without the developer's keys."""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

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


def pytest_configure() -> None:
    """Let Ctrl-C reach the processes that tests start, also where the tests run in the background: shells have it
    ignored there, and children inherit that.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)

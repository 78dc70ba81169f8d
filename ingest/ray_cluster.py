"""The Ray cluster that an ingest runs on: that of RAY_ADDRESS, else one that lives on this machine for as long."""

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from config.errors import ConfigError

SECONDS_TO_CONNECT = 10.0


@contextmanager
def ray_cluster() -> Iterator[None]:
    """Connect, unless this process is connected, and let go. Raises ConfigError where there is no such cluster."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # a cluster that is started here calls nobody
    try:
        import ray.data
    except ImportError:
        raise ConfigError("the engine ray is not installed; run: pip install 'askmd[ray]'") from None
    if ray.is_initialized():
        yield
        return
    address = os.environ.get("RAY_ADDRESS")
    if address:
        _look_for(address)
    try:
        ray.init(include_dashboard=None if address else False, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:  # noqa: BLE001 - Ray raises a bare one where a node does not start within 30 s
        reason = " ".join(str(error).split())[:300]
        raise ConfigError(f"cannot use the Ray cluster {address or 'of this machine'}: {reason}") from None
    try:
        yield
    finally:
        ray.shutdown()


def _look_for(address: str) -> None:
    """Ray itself would try for minutes. `auto` and the like name no host."""
    parts = urlsplit(address if "://" in address else f"ray://{address}")
    try:
        if parts.hostname and parts.port:
            socket.create_connection((parts.hostname, parts.port), timeout=SECONDS_TO_CONNECT).close()
    except (OSError, ValueError) as error:
        raise ConfigError(f"no Ray cluster answers at RAY_ADDRESS {address!r}: {error}") from None

"""Reaching Milvus: where it is, and what its failures mean in the user's words."""

import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from config.errors import ConfigError, StoreError
from store.pymilvus_import import import_pymilvus

if TYPE_CHECKING:
    from pymilvus import MilvusClient

GRPC_OPTIONS = {"grpc.keepalive_permit_without_calls": False}
"""No pings while nothing is asked, as is gRPC's own default: Milvus Lite hangs up on a client that sends them."""

SERVER_SCHEMES = ("http", "https", "tcp", "unix")

_users_of_lite_file: Counter[Path] = Counter()
_lite_lock = Lock()


def is_lite(uri: str) -> bool:
    """Tell whether an address is a Milvus Lite file. Raises ConfigError for one that is nothing Milvus knows."""
    if urlsplit(uri).scheme in SERVER_SCHEMES:
        return False
    if uri.endswith(".db"):
        return True
    raise ConfigError(
        f"MILVUS_URI {without_credentials(uri)!r} is neither a Milvus Lite file (ends in .db) "
        "nor an address (starts with http:// or https://)"
    )


def without_credentials(uri: str) -> str:
    """Give an address as it may be shown."""
    parts = urlsplit(uri)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl() if "@" in uri else uri


def connect(uri: str, token: SecretStr | None, timeout: float) -> "MilvusClient":
    """Open a client; a Milvus Lite file that does not exist is made. Raises StoreError or ConfigError."""
    lite = is_lite(uri)
    if lite:
        _prepare_lite_file(Path(uri))
        _keep_one_segment()
    pymilvus = import_pymilvus()
    with store_errors(uri):
        client: MilvusClient = pymilvus.MilvusClient(**client_arguments(uri, token), timeout=timeout)
    if lite:
        with _lite_lock:
            _users_of_lite_file[Path(uri).resolve()] += 1
    return client


def client_arguments(uri: str, token: SecretStr | None) -> dict[str, Any]:
    """Give what each client of pymilvus and langchain_milvus is made with."""
    return {"uri": uri, "token": token.get_secret_value() if token else "", "grpc_options": GRPC_OPTIONS}


def disconnect(client: "MilvusClient", uri: str) -> None:
    """Close a client; a Milvus Lite file is let go with the last one that this process has on it."""
    client.close()
    if not is_lite(uri):
        return
    from milvus_lite.server_manager import server_manager_instance

    path = Path(uri).resolve()
    with _lite_lock:
        _users_of_lite_file[path] -= 1
        if _users_of_lite_file[path] <= 0:
            del _users_of_lite_file[path]
            server_manager_instance.release_server(uri)


@contextmanager
def store_errors(uri: str) -> Iterator[None]:
    """Turn what Milvus raises into a StoreError of one line that says what to do."""
    from grpc import RpcError

    pymilvus = import_pymilvus()
    try:
        yield
    except (pymilvus.MilvusException, RpcError, OSError) as error:
        raise StoreError(_explain(error, uri)) from None


def _prepare_lite_file(path: Path) -> None:
    if path.is_file():
        raise StoreError(
            f"{path} is a single file, as Milvus Lite 2 wrote them; Milvus Lite 3 cannot read it: "
            "move it away, or set MILVUS_URI to another name, and run: askmd ingest PATH"
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"cannot make the folder of {path}: {error.strerror}") from None


def _keep_one_segment() -> None:
    """Have Milvus Lite merge all segments of a collection after each flush, not only every fourth of one size.

    Lite 3.2 takes BM25's document frequencies per segment (says a TODO in its engine/collection.py): in a segment of
    one file that was changed, hardly a word is rare, and that file is found far worse than after a clean ingest.
    """
    from milvus_lite.engine import compaction

    compaction.COMPACTION_MIN_FILES_PER_BUCKET = 2
    compaction.MAX_DATA_FILES = 1


def _explain(error: Exception, uri: str) -> str:
    shown = without_credentials(uri)
    text = " ".join(str(getattr(error, "message", None) or error).split())
    lowered = text.lower()
    if "open local milvus failed" in lowered:
        return _why_lite_does_not_open(Path(uri))
    if any(sign in lowered for sign in ("auth check failure", "unauthenticated", "unauthorized", "permission deny")):
        return f"Milvus at {shown} refuses the token; set MILVUS_TOKEN to user:password or to the cluster's API key"
    if "fail connecting" in lowered and _is_listening(uri):
        return (
            f"Milvus at {shown} is there, but takes no connection; is MILVUS_TOKEN right "
            "(user:password, or the cluster's API key)?"
        )
    if is_lite(uri) and ("deadline exceeded" in lowered or "deadline_exceeded" in lowered):
        return f"Milvus Lite at {shown} took longer than ASKMD_MILVUS_TIMEOUT allows; is the machine busy?"
    if any(sign in lowered for sign in ("fail connecting", "server unavailable", "unavailable", "deadline exceeded")):
        return f"Milvus at {shown} does not answer; is it running, and is MILVUS_URI right? ({text[:200]})"
    return f"Milvus at {shown}: {text[:500]}"


def _is_listening(uri: str) -> bool:
    """Tell a refused token from a server that is not there: the client reports both alike."""
    parts = urlsplit(uri)
    try:
        port = parts.port or (443 if parts.scheme == "https" else 19530)
        with socket.create_connection((parts.hostname or "localhost", port), timeout=2):
            return True
    except (OSError, ValueError):
        return False


def _why_lite_does_not_open(path: Path) -> str:
    """Open the file once more without the layer that only logs the reason."""
    from milvus_lite.db import MilvusLite
    from milvus_lite.exceptions import DataDirLockedError

    try:
        MilvusLite(str(path)).close()
    except DataDirLockedError:
        return (
            f"{path} is open in another process (Milvus Lite allows one at a time); "
            "end that one, or use a Milvus server through MILVUS_URI"
        )
    except OSError as error:
        return f"cannot open {path}: {error.strerror or error}"
    except Exception as error:  # noqa: BLE001 - whatever a damaged file makes it raise is the answer wanted here
        return f"cannot read {path}: {error}"
    return f"{path} could not be opened; try again"

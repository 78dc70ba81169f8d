"""`askmd serve`: the process, or several of them."""

import os
import signal
import socket
from contextlib import closing, suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import typer

from config.errors import AskmdError, ConfigError
from config.serving import ServingSettings
from config.settings import Settings
from store.connection import is_lite, without_credentials

if TYPE_CHECKING:
    from fastapi import FastAPI

_NEEDED = ("fastapi", "langserve", "limits", "mcp", "nh3", "prometheus_client", "pythonjsonlogger", "uvicorn")
_STARTS_WITHIN = 60
"""Seconds after which a process that does not say that it is alive is replaced."""


class ServingError(AskmdError):
    """The server cannot start."""


def serve(settings: Settings, serving: ServingSettings) -> None:
    """Serve until the process is told to end. Raises ConfigError, and ServingError where it cannot listen."""
    require_extra()
    _require_keys(serving)
    workers = _workers(settings, serving)
    app = _app(settings, serving)  # where several processes make their own, this one finds out what is wrong
    with closing(_listen(serving)) as listener, suppress(KeyboardInterrupt):
        port = listener.getsockname()[1]
        typer.echo(f"askmd serves at {address(serving.host, port)} (Ctrl-C ends it)", err=True)
        if workers == 1:
            _run(app, listener, serving)
        else:
            os.environ |= {"ASKMD_HOST": serving.host}
            _run_several(listener, serving)


def app_from_environment() -> "FastAPI":
    """Make the app of one of several processes; all that the command line chose stands in the environment."""
    return _app(Settings(), ServingSettings())


def _app(settings: Settings, serving: ServingSettings) -> "FastAPI":
    from askmd.server import create_app
    from askmd.serving.tracing import trace

    app = create_app(settings, serving)
    trace(app)
    return app


def _run(app: "FastAPI", listener: socket.socket, serving: ServingSettings) -> None:
    import uvicorn

    # uvicorn raises a signal again when it has done what it asks for: that ends well
    signal.signal(signal.SIGTERM, lambda *_: None)
    uvicorn.Server(uvicorn.Config(app, **_options(serving))).run([listener])


def _run_several(listener: socket.socket, serving: ServingSettings) -> None:
    import uvicorn
    from uvicorn.supervisors import Multiprocess

    factory = f"{__name__}:{app_from_environment.__name__}"
    config = uvicorn.Config(factory, factory=True, workers=serving.workers, **_options(serving))
    Multiprocess(config, [listener]).run()


def _options(serving: ServingSettings) -> dict[str, Any]:
    from askmd.serving.logs import log_config

    return {
        "log_config": log_config(),
        "access_log": False,
        "server_header": False,
        "timeout_graceful_shutdown": int(serving.shutdown_seconds),
        "timeout_worker_healthcheck": _STARTS_WITHIN,
    }


def require_extra() -> None:
    """Raise ConfigError where what serving needs is not installed."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise ConfigError(f"{missing[0]} is not installed; serving needs: pip install 'askmd[serve]'")


def address(host: str, port: int) -> str:
    """Write where the server is found."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _require_keys(serving: ServingSettings) -> None:
    from askmd.serving.hosts import is_local

    if not is_local(serving.host) and not serving.keys:
        raise ConfigError(f"{serving.host} can be reached by others: set ASKMD_API_KEYS to the keys of your clients")


def _workers(settings: Settings, serving: ServingSettings) -> int:
    """A Milvus Lite file belongs to one process."""
    if serving.workers > 1 and is_lite(settings.milvus_uri):
        shown = without_credentials(settings.milvus_uri)
        typer.echo(f"askmd: {shown} is a Milvus Lite file, which one process can use: one worker starts", err=True)
        return 1
    return serving.workers


def _listen(serving: ServingSettings) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in serving.host else socket.AF_INET
        listener = socket.create_server((serving.host, serving.port), family=family, backlog=1024)
    except OSError as error:
        where = address(serving.host, serving.port)
        raise ServingError(
            f"cannot listen at {where}: {os.strerror(error.errno or 0)}; choose another --port"
        ) from None
    listener.set_inheritable(True)
    return listener

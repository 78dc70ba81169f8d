"""The application over real HTTP on the loopback, in a thread of this process.

with AppServer(Settings(...), ServingSettings(api_keys="k")) as server:
    httpx2.get(f"{server.url}/healthz")
"""

import logging
import threading
import time
from types import TracebackType
from typing import Self

import uvicorn

from askmd.server import create_app
from config.serving import ServingSettings
from config.settings import Settings

STARTS_WITHIN = 60.0


class AppServer:
    def __init__(self, settings: Settings, serving: ServingSettings | None = None) -> None:
        serving = serving or ServingSettings(requests_per_minute=100_000)
        config = uvicorn.Config(create_app(settings, serving), port=0, log_config=None, access_log=False)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    @property
    def url(self) -> str:
        host, port = self._server.servers[0].sockets[0].getsockname()[:2]
        return f"http://{host}:{port}"

    def __enter__(self) -> Self:
        logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
        self._thread.start()
        end = time.monotonic() + STARTS_WITHIN
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > end:
                raise RuntimeError("the application did not start")
            time.sleep(0.01)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._thread.join(STARTS_WITHIN)

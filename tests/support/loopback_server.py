"""A server on the loopback that lives as long as a `with` block: where it is, and how it starts and ends."""

import threading
from http.server import HTTPServer
from types import TracebackType
from typing import Self


class LoopbackServer:
    """Serves `http` in a thread of its own; `closing` is set when it begins to end, for replies that wait."""

    def __init__(self, http: HTTPServer) -> None:
        self.closing = threading.Event()
        self._http = http
        self._thread = threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._http.server_port}"

    @property
    def root_url(self) -> str:
        """The address without a path, in the form of DeepSeek's base URL; `/v1` is optional in every chat route."""
        return f"http://{self.host}"

    @property
    def base_url(self) -> str:
        return f"{self.root_url}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

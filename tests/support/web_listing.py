"""A web server on the loopback that lists a folder and gives its files."""

import functools
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.support.loopback_server import LoopbackServer


class WebListing(LoopbackServer):
    """Serves a folder while it is entered."""

    def __init__(self, folder: Path) -> None:
        super().__init__(ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder))))


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Keep the test's output clean."""

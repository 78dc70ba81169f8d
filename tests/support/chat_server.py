"""A scripted OpenAI-compatible chat server: real HTTP on the loopback, for tests and demonstrations.

    with ChatServer(Reply("Yes [1]."), Failure.of(429, "slow down")) as server:
        ...                              # a client talks to server.base_url
        server.requests[0].body["model"]

By hand: `python -m tests.support.chat_server --port 8080` prints its address, then each request as one line of JSON.
"""

import argparse
import contextlib
import json
import select
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from tests.support.chat_replies import Broken, Drop, Failure, Hang, Reply, Script, chunk, completion, deltas, words
from tests.support.loopback_server import LoopbackServer


@dataclass(frozen=True)
class Request:
    """What a client sent: header names in lower case, `body` parsed from JSON (None if there is none)."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any

    @property
    def messages(self) -> list[dict[str, Any]]:
        return list(self.body["messages"])

    @property
    def last_message(self) -> str:
        return str(self.messages[-1]["content"])


_COMMENT = b": keep-alive\n\n"
"""As DeepSeek sends it while a request waits."""


class ClientGoneError(Exception):
    """The client closed the connection before the whole reply was sent."""


class ChatServer(LoopbackServer):
    """Answers from a queue of scripts, then by `default`: a script or a function of the request.

    `listing` takes the place of the list of `models`.

    `requests` logs what arrived; `disconnected` holds the requests whose client left before the end of the reply.
    """

    def __init__(
        self,
        *scripts: Script,
        default: Script | Callable[[Request], Script] | None = None,
        models: tuple[str, ...] = ("deepseek-v4-flash", "deepseek-v4-pro"),
        listing: Failure | Hang | None = None,
        port: int = 0,
        on_request: Callable[[Request], None] | None = None,
    ) -> None:
        self.requests: list[Request] = []
        self.disconnected: list[Request] = []
        self.models = models
        self.listing = listing
        self._scripts = deque(scripts)
        self._default = default or Reply()
        self._on_request = on_request
        self._news = threading.Condition()
        self._listener = _Listener(self, port)
        super().__init__(self._listener)

    @property
    def connections(self) -> int:
        """How many connections were ever accepted."""
        return self._listener.accepted

    def script(self, *scripts: Script) -> None:
        """Add to the end of the queue."""
        with self._news:
            self._scripts.extend(scripts)

    def reset(self) -> None:
        """Forget what was scripted and what was asked."""
        with self._news:
            self._scripts.clear()
            self.requests.clear()
            self.disconnected.clear()

    def next_script(self, request: Request) -> Script:
        with self._news:
            if self._scripts:
                return self._scripts.popleft()
        return self._default(request) if callable(self._default) else self._default

    def log(self, request: Request) -> None:
        with self._news:
            self.requests.append(request)
        if self._on_request:
            self._on_request(request)

    def log_disconnect(self, request: Request) -> None:
        with self._news:
            self.disconnected.append(request)
            self._news.notify_all()

    def wait_for_disconnect(self, seconds: float = 30.0) -> bool:
        """Wait until a client has left early; False if none did in time."""
        with self._news:
            return self._news.wait_for(lambda: bool(self.disconnected), seconds)


class _Listener(HTTPServer):
    """Accepts connections, each served by a thread of its own that is joined at the end."""

    request_queue_size = 128

    def __init__(self, chat: ChatServer, port: int) -> None:
        self.chat = chat
        self.accepted = 0
        self._open: dict[threading.Thread, socket.socket] = {}
        super().__init__(("127.0.0.1", port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        for thread in [thread for thread in self._open if not thread.is_alive()]:
            del self._open[thread]
        thread = threading.Thread(target=self._serve, args=(request, client_address), daemon=True)
        self.accepted += 1
        self._open[thread] = request
        thread.start()

    def _serve(self, request: Any, client_address: Any) -> None:
        with contextlib.suppress(OSError):
            self.finish_request(request, client_address)
        self.shutdown_request(request)

    def server_close(self) -> None:
        super().server_close()
        for thread, connection in self._open.items():
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Listener

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def log_message(self, format: str, *args: object) -> None:
        pass

    @cached_property
    def chat(self) -> ChatServer:
        return self.server.chat

    def do_GET(self) -> None:
        request = self._read()
        if request.path.removeprefix("/v1") != "/models":
            self._send_failure(Failure.of(404, f"no route {request.path}"))
        elif self.chat.listing:
            with contextlib.suppress(ClientGoneError):
                self._answer(request, self.chat.listing)
        else:
            models = [{"id": model, "object": "model", "owned_by": "scripted"} for model in self.chat.models]
            self._send(200, "application/json", json.dumps({"object": "list", "data": models}).encode())

    def do_POST(self) -> None:
        request = self._read()
        if request.path.removeprefix("/v1") != "/chat/completions":
            self._send_failure(Failure.of(404, f"no route {request.path}"))
            return
        try:
            self._answer(request, self.chat.next_script(request))
        except (ClientGoneError, OSError):
            self.close_connection = True
            if not self.chat.closing.is_set():
                self.chat.log_disconnect(request)

    def _read(self) -> Request:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers, json.loads(raw) if raw else None)
        self.chat.log(request)
        return request

    def _answer(self, request: Request, script: Script) -> None:
        match script:
            case Failure():
                self._send_failure(script)
            case Hang(seconds):
                self._wait(seconds)
                self.close_connection = True
            case Drop():
                self.close_connection = True
            case Reply() | Broken() if request.body.get("stream"):
                self._stream(request, script)
            case Reply() | Broken():
                self._complete(request, script)

    def _complete(self, request: Request, script: Reply | Broken) -> None:
        model = request.body["model"]
        if isinstance(script, Reply):
            self._wait(script.delay * len(words(script.text)))
            self._send(200, "application/json", json.dumps(completion(script, model)).encode())
        elif script.how == "comments":
            self._head(200, "application/json", {"Transfer-Encoding": "chunked"})
            self._show_life(b"\n")
        elif script.how == "error":
            self._send(200, "application/json", json.dumps({"error": {"message": script.message}}).encode())
        else:
            whole = json.dumps(completion(script.reply, model)).encode()
            part = whole[: len(whole) // 2]
            self._head(200, "application/json", {"Content-Length": str(len(part if script.how == "cut" else whole))})
            self._write(part)
            if script.how in {"garbage", "sse"}:
                self._write(b"?" * (len(whole) - len(part)))
            elif script.how != "cut":
                self._break_off(script)

    def _stream(self, request: Request, script: Reply | Broken) -> None:
        reply = script if isinstance(script, Reply) else script.reply
        left = len(list(deltas(reply))) if isinstance(script, Reply) else script.after
        self._head(200, "text/event-stream", {"Transfer-Encoding": "chunked"})
        for _ in range(reply.comments):
            self._write_part(_COMMENT)
            self._wait(reply.delay)
        for event in self._events(request, reply, left, whole=isinstance(script, Reply)):
            self._write_part(f"data: {event}\n\n".encode())
        if isinstance(script, Broken):
            match script.how:
                case "error":
                    self._write_part(f"data: {json.dumps({'error': {'message': script.message}})}\n\n".encode())
                case "garbage":
                    self._write_part(b'data: {"choices": [{"delta": \n\n')
                case "sse":
                    self._write_part(b"<html>\n\n: x\n\nevent\n\n\xff\xfe\n\ndata: <html>\n\n")
                case "comments":
                    self._show_life(_COMMENT)
                case "stall" | "reset":
                    self._break_off(script)
                    return
        self._write(b"0\r\n\r\n")

    def _events(self, request: Request, reply: Reply, left: int, *, whole: bool) -> Iterator[str]:
        model = request.body["model"]
        yield json.dumps(chunk(model, {"role": "assistant", "content": ""}))
        for delta in list(deltas(reply))[:left]:
            self._wait(reply.delay)
            yield json.dumps(chunk(model, delta))
        if not whole:
            return
        if reply.finish_reason:
            yield json.dumps(chunk(model, {"content": ""}, reply.finish_reason))
        if reply.usage and (request.body.get("stream_options") or {}).get("include_usage"):
            yield json.dumps(chunk(model, None) | {"usage": reply.usage.as_json()})
        if reply.done:
            yield "[DONE]"

    def _show_life(self, sign: bytes) -> None:
        while not self.chat.closing.is_set():
            self._write_part(sign)
            self._wait(0.05)
        self.close_connection = True

    def _break_off(self, script: Broken) -> None:
        if script.how == "stall":
            self._wait(60.0)
        self.close_connection = True

    def _send_failure(self, failure: Failure) -> None:
        content_type, body = failure.encoded()
        self._send(failure.status, content_type, body, failure.headers)

    def _send(self, status: int, content_type: str, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self._head(status, content_type, {"Content-Length": str(len(body)), **(headers or {})})
        self._write(body)

    def _head(self, status: int, content_type: str, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": content_type, **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def _write_part(self, data: bytes) -> None:
        if self._client_left():
            raise ClientGoneError
        self._write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def _write(self, data: bytes) -> None:
        self.wfile.write(data)

    def _wait(self, seconds: float) -> None:
        """Sleep, but wake up when the server ends (quietly) or the client leaves (ClientGoneError)."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and not self.chat.closing.wait(min(left, 0.02)):
            if self._client_left():
                raise ClientGoneError

    def _client_left(self) -> bool:
        readable, _, _ = select.select([self.connection], [], [], 0)
        return bool(readable) and self.connection.recv(1, socket.MSG_PEEK) == b""


def _print_request(request: Request) -> None:
    hidden = {name: "(hidden)" if name == "authorization" else value for name, value in request.headers.items()}
    shown = replace(request, headers=hidden)
    sys.stdout.write(json.dumps(vars(shown), ensure_ascii=False) + "\n")
    sys.stdout.flush()


def _echo(request: Request) -> Reply:
    return Reply(f"This is a scripted answer [1]; the prompt had {len(request.last_message)} characters.")


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--answer", help="the answer to every question")
    options = parser.parse_args()
    default = Reply(options.answer) if options.answer else _echo
    with ChatServer(default=default, port=options.port, on_request=_print_request) as server:
        sys.stdout.write(f"{server.base_url}\n")
        sys.stdout.flush()
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()

"""Replies of chat models by the exact request, in an SQLite file that several processes may use at once."""

import hashlib
import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from threading import Lock
from typing import Any

from langchain_core.messages import AIMessageChunk, BaseMessage

from config.errors import ConfigError
from config.models import ChatModelSpec

_WAIT = 60.0
"""Seconds to wait for another process that writes."""

_NOT_OF_THE_REQUEST = {
    "name", "description", "api_key_env", "key_page", "prices", "states_cost", "context_tokens", "connect_timeout",
    "timeout", "first_token_timeout", "answer_timeout", "max_retries", "retry_seconds", "max_concurrency",
    "max_reply_bytes",
}  # fmt: skip
"""Keys of a registry entry that change nothing of what the model says."""


def request_key(spec: ChatModelSpec, messages: Sequence[BaseMessage], repeat: int) -> str:
    """Hash all that decides a reply: endpoint, model, parameters, messages; and which of the repeats it is."""
    request = {
        "model": spec.model_dump(mode="json", exclude=_NOT_OF_THE_REQUEST),
        "messages": [(message.type, message.content) for message in messages],
        "repeat": repeat,
    }
    return hashlib.sha256(json.dumps(request, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


class ReplyCache:
    """Safe to share between threads."""

    def __init__(self, path: Path) -> None:
        """Open the file, or make it. Raises ConfigError where that cannot be done."""
        self._lock = Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = sqlite3.connect(path, timeout=_WAIT, check_same_thread=False)
            with self._file:
                self._file.execute("PRAGMA journal_mode=WAL")
                self._file.execute("CREATE TABLE IF NOT EXISTS replies (key TEXT PRIMARY KEY, reply TEXT NOT NULL)")
        except (OSError, sqlite3.Error) as error:
            raise ConfigError(
                f"the cache of replies {path} cannot be used: {error}; leave it out: --no-cache"
            ) from None

    def get(self, key: str) -> AIMessageChunk | None:
        """Give the reply to a request that was made before."""
        with self._lock, closing(self._file.execute("SELECT reply FROM replies WHERE key = ?", (key,))) as found:
            row = found.fetchone()
        return AIMessageChunk(**json.loads(row[0])) if row else None

    def put(self, key: str, reply: AIMessageChunk) -> None:
        """Keep a whole reply; the first one stays."""
        with self._lock, self._file:
            self._file.execute("INSERT OR IGNORE INTO replies VALUES (?, ?)", (key, json.dumps(_plain(reply))))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._file.close()


def _plain(reply: AIMessageChunk) -> Mapping[str, Any]:
    kept = {"content", "additional_kwargs", "response_metadata", "usage_metadata"}
    return {name: value for name, value in reply.model_dump(mode="json").items() if name in kept}

"""Tells tokens from signs of life in the bytes of a reply, and bounds how much a reply may say."""

import json

from chains.models.call_failed import CallFailed

_ENVELOPE = 512
"""Bytes of a streamed event that are not counted: ids, names, punctuation. An event counts for some bytes at least."""
_LEAST = 16


class TokensSeen:
    """Reads along. A server that works on a long prompt may send comments, blank lines, or an event without content.

    OpenRouter sends comments (https://openrouter.ai/docs/api-reference/streaming), DeepSeek comments in a stream and
    blank lines before a plain reply (https://api-docs.deepseek.com/quick_start/rate_limit).
    """

    def __init__(self, most: int, *, streamed: bool) -> None:
        self.done = False
        """Whether the stream said that nothing more comes."""
        self._most = most
        self._streamed = streamed
        self._size = 0
        self._begun = False
        self._rest: list[bytes] = []  # of a line that has not ended

    def read(self, part: bytes) -> bool:
        """Take the next bytes and tell whether a token is in them. Raises CallFailed beyond the limit."""
        token = self._read_events(part) if self._streamed else bool(part.strip())
        if not self._streamed:
            self._size += len(part)
        if self._size + sum(map(len, self._rest)) > self._most:
            what = f"the reply is longer than {self._most:,} bytes"
            raise CallFailed("oversized", what, "ask for less, or raise the entry's `max_reply_bytes`")
        self._begun = self._begun or token
        return token

    def _read_events(self, part: bytes) -> bool:
        if b"\n" not in part:
            self._rest.append(part)
            return False
        *lines, rest = b"".join([*self._rest, part]).split(b"\n")
        self._rest = [rest]
        events = [line.removeprefix(b"data:") for line in lines if line.startswith(b"data:")]
        self.done = self.done or any(event.strip() == b"[DONE]" for event in events)
        self._size += sum(max(_LEAST, len(event) - _ENVELOPE) for event in events)
        return bool(events) if self._begun else any(map(says_something, events))


def says_something(event: bytes) -> bool:
    """Tell whether an event has more in it than a role. What can not be read is for others to judge: it counts."""
    try:
        match json.loads(event):
            case {"choices": []}:
                return False
            case {"choices": [{"delta": {**delta}, **choice}, *_]}:
                return bool(choice.get("finish_reason")) or any(delta[name] for name in delta if name != "role")
    except ValueError:
        pass
    return True

"""A provider's prefix cache for the scripted chat server: it says how much of a prompt it has seen before."""

import json
from dataclasses import dataclass, field, replace

from tests.support.chat_replies import Reply, Usage
from tests.support.chat_server import Request

TOKEN_CHARS = 4
"""Characters of a token, of which real ones have about as many."""


def prompt_of(request: Request) -> str:
    """Write the messages as one text, as a server puts them before its model."""
    return "".join(f"{json.dumps(message['role'])}{message['content']}" for message in request.messages)


def common_prefix(one: str, two: str) -> int:
    """Count the characters with which both begin."""
    differing = (at for at, (a, b) in enumerate(zip(one, two, strict=False)) if a != b)
    return next(differing, min(len(one), len(two)))


@dataclass
class PrefixCache:
    """Answers every request with `reply`, and reports as DeepSeek does what of it an earlier request began with.

    To be given to a chat server as its `default`.
    """

    reply: Reply = field(default_factory=Reply)
    seen: list[str] = field(default_factory=list)

    def __call__(self, request: Request) -> Reply:
        prompt = prompt_of(request)
        shared = max((common_prefix(prompt, earlier) for earlier in self.seen), default=0)
        self.seen.append(prompt)
        usage = Usage(prompt=len(prompt) // TOKEN_CHARS, completion=9, cached=shared // TOKEN_CHARS)
        return replace(self.reply, usage=usage)

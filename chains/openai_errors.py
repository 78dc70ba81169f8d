"""What went wrong with an OpenAI-compatible server, said in one line for the user.

Messages name the entry, the host, what happened and what to do. The client library's own exceptions hold the request
with its Authorization header and whatever the server sent back, so none of them is kept as a cause or context.
"""

import re
from dataclasses import dataclass
from typing import Literal

import openai
from pydantic import SecretStr

from config.errors import ModelError
from config.models import ChatModelSpec

FORESEEN = (openai.OpenAIError, ValueError, TypeError, LookupError, AttributeError, OSError)
"""All that the client library raises: its own errors, and those of code that met a reply of an unexpected shape."""

Kind = Literal["status", "timeout", "connection", "reported", "malformed", "incomplete", "empty"]

_CAUSES = {
    400: "the request was refused",
    401: "the key was not accepted",
    402: "the account has no balance left",
    403: "the key may not use this model",
    404: "neither model {model!r} nor the path was found",
    408: "the server gave up waiting",
    413: "the prompt is too long",
    422: "the request was refused",
    429: "too many requests, or the quota is used up",
}
_REMEDIES = {
    400: "check the entry's model id and parameters, or send less context",
    401: "check {key}",
    402: "top the account up, or use another entry with --llm",
    403: "check what {key} is allowed to do",
    404: "check the entry's `model` and `base_url`",
    413: "send less context",
    422: "check the entry's parameters",
    429: "wait a moment, or use another entry with --llm",
}


class ChatFailure(ModelError):  # noqa: N818 - it is a ModelError first
    """A failed call: `entry` and `host` say of which model, `kind` and `status` (HTTP, None if there was none) how."""

    def __init__(self, message: str, spec: ChatModelSpec, kind: Kind, status: int | None = None) -> None:
        super().__init__(f"model {spec.name!r} at {spec.host}: {message}")
        self.entry = spec.name
        self.host = spec.host
        self.kind: Kind = kind
        self.status = status


@dataclass(frozen=True)
class Explainer:
    """Explains the failures of one entry; knows its key only in order to take it out of what a server says."""

    spec: ChatModelSpec
    key: SecretStr

    def explain(self, error: BaseException) -> ModelError:
        """Turn any error of a call into the one to raise."""
        match error:
            case openai.APITimeoutError():
                return self._failure("timeout", f"nothing arrived for {self.spec.timeout:g} s", "try again later")
            case openai.APIConnectionError() | OSError():
                return self._connection(error)
            case openai.APIStatusError():
                return self._status(error)
            # a ValueError of a dict is how langchain_openai passes on a reply that is an error object
            case openai.APIError(body=body) | ValueError(args=[dict() as body]):
                return self._failure("reported", f"it reported an error{self._quote(body)}", "try again later")
        return self.malformed(type(error).__name__)

    def malformed(self, how: str) -> ModelError:
        """Explain a reply that does not have the shape of a chat completion."""
        return self._failure("malformed", f"its reply is no chat completion ({how})", "check the entry's `base_url`")

    def incomplete(self) -> ModelError:
        """Explain a reply that ended without saying why."""
        return self._failure("incomplete", "the reply broke off (no finish_reason)", "ask again")

    def empty(self, finish_reason: str) -> ModelError:
        """Explain a reply that ended properly and holds no answer."""
        what = f"the answer is empty (finish_reason {finish_reason!r})"
        return self._failure(
            "empty", what, "raise the entry's `max_tokens`" if finish_reason == "length" else "ask again"
        )

    def _status(self, error: openai.APIStatusError) -> ModelError:
        status = error.status_code
        names = {"model": self.spec.model, "key": self.spec.api_key_env or "the entry's `extra_headers`"}
        cause = _CAUSES.get(status, "the server failed" if status >= 500 else "unexpected answer").format(**names)
        remedy = _REMEDIES.get(status, "try again later" if status >= 500 else "check the entry's `base_url`")
        wait = error.response.headers.get("Retry-After", "")
        pause = f" (retry after {wait} s)" if wait.isdecimal() else ""
        return self._failure(
            "status", f"{status}, {cause}{pause}{self._quote(error.body)}", remedy.format(**names), status
        )

    def _connection(self, error: BaseException) -> ModelError:
        reason = ""
        cause: BaseException | None = error
        while cause:  # the client library says only "Connection error."; what it was made from says more
            reason = str(cause) or reason
            cause = cause.__cause__
        what = f"no connection, or it broke off ({self._clean(reason)})"
        return self._failure("connection", what, "check the network, the entry's `base_url` and that the server runs")

    def _quote(self, body: object) -> str:
        """Quote the server's own words, if it sent an error object: a web page says nothing in one line."""
        said = body.get("message") if isinstance(body, dict) else None
        return f': "{self._clean(said)}"' if isinstance(said, str) and said.strip() else ""

    def _clean(self, text: str) -> str:
        line = " ".join(text.replace(self.key.get_secret_value(), "(key)").split())
        line = "".join(filter(str.isprintable, re.sub(r"\bsk-[\w*-]+", "(key)", line)))
        return line if len(line) <= 200 else f"{line[:200]}…"

    def _failure(self, kind: Kind, what: str, remedy: str, status: int | None = None) -> ModelError:
        return ChatFailure(f"{what}; {remedy}", self.spec, kind, status)

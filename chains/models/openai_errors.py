"""What went wrong with an OpenAI-compatible server, said in one line for the user.

Messages name the entry, the host, what happened and what to do. The client library's own exceptions hold the request
with its Authorization header and whatever the server sent back, so none of them is kept as a cause or context.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import openai
from pydantic import SecretStr

from chains.models.call_failed import CallFailed, Kind
from chains.models.error_bodies import is_no_quota, is_too_long, is_unknown_model, message_of
from chains.models.limited_calls import ATTEMPTS
from chains.models.retries import causes, retry_after
from config.errors import ModelError
from config.model_ids import todays_id
from config.models import ChatModelSpec

FORESEEN = (openai.OpenAIError, ValueError, TypeError, LookupError, AttributeError, OSError)
"""All that the client library raises: its own errors, and those of code that met a reply of an unexpected shape."""

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
    408: "try again later",
    413: "send less context",
    422: "check the entry's parameters",
    429: "wait a moment, or use another entry with --llm",
}


_TOLD: Mapping[Kind, str] = {
    "status": "it refuses the request",
    "timeout": "it takes too long",
    "connection": "it cannot be reached",
    "busy": "too many questions are put to it at once",
    "oversized": "its reply is too long",
    "reported": "it reports an error",
    "malformed": "its reply cannot be read",
    "incomplete": "its reply broke off",
    "empty": "its answer is empty",
}
"""What anybody may be told of a failure of each kind; of a status, the cause if it gives no account away."""
_TOLD_OF_STATUS = (404, 408, 413, 429)


class ChatFailure(ModelError):  # noqa: N818 - it is a ModelError first
    """A failed call: `entry` and `host` say of which model, `kind` and `status` (HTTP, None if there was none) how.

    `attempts` is how often it was tried; 0 if it did not come to that.
    """

    def __init__(
        self, message: str, spec: ChatModelSpec, kind: Kind, status: int | None = None, attempts: int = 1
    ) -> None:
        super().__init__(f"model {spec.name!r} at {spec.host}: {message}")
        self.attempts = attempts
        self.entry = spec.name
        self.host = spec.host
        self.kind: Kind = kind
        self.status = status
        cause = "it has failed" if (status or 0) >= 500 else _TOLD[kind]
        if status in _TOLD_OF_STATUS:
            cause = _CAUSES[status].format(model=spec.model)
        self.told = f"model {spec.name!r}: {cause}"


@dataclass(frozen=True)
class Explainer:
    """Explains the failures of one entry; knows its key only in order to take it out of what a server says."""

    spec: ChatModelSpec
    key: SecretStr

    def explain(self, error: BaseException) -> ModelError:
        """Turn any error of a call into the one to raise."""
        failed = next((cause for cause in causes(error) if isinstance(cause, CallFailed)), None)
        if failed:
            what = f"{self._clean(failed.what)}{_tried(failed.attempts)}"
            return self._failure(failed.kind, what, failed.remedy, attempts=failed.attempts)
        match error:
            case openai.APIStatusError():
                return self._status(error)
            # a ValueError of a dict is how langchain_openai passes on a reply that is an error object
            case openai.APIError(body=dict() as body) | ValueError(args=[dict() as body]):
                return self._failure("reported", f"it reported an error{self._quote(body)}", "try again later")
            case openai.APIConnectionError() | OSError():
                reason = self._clean(str([*causes(error)][-1]))
                return self._failure("connection", f"it broke off ({reason})", "ask again")
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
        status, body = error.status_code, error.body
        names = {"model": self.spec.model, "key": self.spec.api_key_env or "the entry's `extra_headers`"}
        cause = _CAUSES.get(status, "the server failed" if status >= 500 else "unexpected answer")
        remedy = _REMEDIES.get(status, "try again later" if status >= 500 else "check the entry's `base_url`")
        if status in {400, 413, 422} and is_too_long(body):
            cause, remedy = _CAUSES[413], _REMEDIES[413]
        elif status in {400, 404, 422} and is_unknown_model(body):
            cause, remedy = "the provider has no model {model!r}", "change the entry's `model`: {todays_id}"
            names["todays_id"] = todays_id(self.spec)
        elif status == 429 and is_no_quota(body):
            cause, remedy = _CAUSES[402], _REMEDIES[402]
        attempts = error.response.extensions[ATTEMPTS]
        wait = retry_after(error.response.headers)
        too_long = f", longer than the entry's `retry_seconds` ({self.spec.retry_seconds:g})"
        pause = f" (retry after {wait:.0f} s{too_long if attempts.refused_pause else ''})" if wait is not None else ""
        what = f"{status}, {cause.format(**names)}{pause}{_tried(attempts.made)}{self._quote(body)}"
        return self._failure("status", what, remedy.format(**names), status, attempts.made)

    def _quote(self, body: object) -> str:
        """Quote the server's own words, if it sent an error object: a web page says nothing in one line."""
        said = self._clean(message_of(body))
        return f': "{said}"' if said else ""

    def _clean(self, text: str) -> str:
        line = " ".join(text.replace(self.key.get_secret_value(), "(key)").split())
        line = "".join(filter(str.isprintable, re.sub(r"\bsk-[\w*-]+", "(key)", line)))
        return line if len(line) <= 200 else f"{line[:200]}…"

    def _failure(self, kind: Kind, what: str, remedy: str, status: int | None = None, attempts: int = 1) -> ModelError:
        return ChatFailure(f"{what}; {remedy}", self.spec, kind, status, attempts)


def _tried(attempts: int) -> str:
    return f", tried {attempts} times" if attempts > 1 else ""

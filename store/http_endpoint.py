"""One model behind an HTTP endpoint that takes and gives JSON: its key, attempts, and errors in one line.

Plain HTTP rather than the openai client, which takes 0.6 s to import and adds headers from the environment
(organisation, custom headers) to requests that may go to somebody else's host. Redirects are not followed.
"""

import time
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx2
from pydantic import SecretStr

from config.errors import AskmdError, ConfigError

_LONGEST_PAUSE = 10.0


@dataclass(frozen=True, slots=True)
class EndpointKind:
    """What the endpoints of one kind have in common."""

    what: str
    """As in "the embedding endpoint"."""
    path: str
    """Below the base URL."""
    error: type[AskmdError]
    """What a request raises that fails."""
    pauses: Sequence[float]
    """Seconds before the second attempt and those after it, unless the server says how long."""
    timeout: float
    """Seconds until the connection or the next bytes arrive."""
    label: str = "{host}"
    """How messages call the endpoint; may hold {model} too."""


class HttpEndpoint:
    """One model at one endpoint. No message ever holds the key.

    Raises ConfigError for a base URL or a key that cannot be right.
    """

    def __init__(self, kind: EndpointKind, model: str, base_url: str, api_key: SecretStr | None = None) -> None:
        host = _host(base_url, kind.what)
        self.model = model
        self._kind = kind
        self._label = kind.label.format(host=host, model=model)
        self._key = api_key.get_secret_value().strip() if api_key else ""
        if not (self._key.isascii() and self._key.isprintable()):
            raise ConfigError(f"the key for {host} holds characters that no key has: copy it again")
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        timeout = httpx2.Timeout(kind.timeout, connect=min(kind.timeout, 10))
        self._client = httpx2.Client(base_url=base_url, headers=headers, timeout=timeout)
        weakref.finalize(self, self._client.close)

    def post(self, body: Mapping[str, Any]) -> httpx2.Response:
        """Give the answer to a request, with a status of success.

        Rate limits, server errors and refused connections are tried again. Raises the kind's error.
        """
        for pause in (*self._kind.pauses, None):  # none after the last attempt
            wait = pause
            try:
                response = self._client.post(self._kind.path, json=body)
            except httpx2.TimeoutException as error:
                raise self.failure("did not answer in time: try again, or a smaller model") from error
            except httpx2.TransportError as error:
                if wait is None:
                    reason = self._without_key(str(error))
                    message = f"cannot reach {self._label} ({reason}): check the URL, or start it"
                    raise self._kind.error(message) from error
            else:
                if response.is_success:
                    return response
                if wait is None or not (response.status_code == 429 or response.status_code >= 500):
                    raise self.failure(self._refusal(response))
                wait = _seconds(response.headers.get("retry-after"), wait)
            if wait is not None:
                time.sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    def failure(self, what: str) -> AskmdError:
        """Make the error to raise of what the endpoint did."""
        return self._kind.error(f"{self._label} {what}")

    def _refusal(self, response: httpx2.Response) -> str:
        status = response.status_code
        if status in {401, 403}:
            return f"refuses the key ({status}): check that the key belongs to this endpoint"
        if status == 404:
            return f"does not know model {self.model!r} or has no /{self._kind.path} (404): check name and URL"
        if status == 429:
            return "takes no more requests (429): wait, or check the account's balance"
        if status >= 500:
            return f"fails ({status}): try again later"
        return f"rejects the request ({status}): {self._without_key(_reason(response))}"

    def _without_key(self, text: str) -> str:
        return text.replace(self._key, "***") if self._key else text


def _host(base_url: str, what: str) -> str:
    """Host and port, for messages."""
    try:
        url = httpx2.URL(base_url)
    except httpx2.InvalidURL:
        url = httpx2.URL()
    if url.scheme not in {"http", "https"} or not url.host or url.userinfo:
        raise ConfigError(f"the {what} endpoint's base URL must look like https://host/v1, without a key in it")
    return url.netloc.decode("ascii")


def _seconds(retry_after: str | None, otherwise: float) -> float:
    try:
        return min(max(float(retry_after or otherwise), 0.0), _LONGEST_PAUSE)
    except ValueError:  # the header may hold a date
        return otherwise


def _reason(response: httpx2.Response) -> str:
    """The endpoint's own words, in one short line."""
    try:
        error = response.json()["error"]
        text = str(error["message"] if isinstance(error, dict) else error)
    except (KeyError, TypeError, ValueError):
        text = response.reason_phrase
    return " ".join(text.split())[:200]

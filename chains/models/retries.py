"""Whether and when a request is sent again that brought no reply. Nothing is, once a reply has begun."""

import json
import random
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

import httpx2

from chains.models.error_bodies import is_no_quota
from config.models import ChatModelSpec

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 8.0
_PASSING = (
    httpx2.ConnectError,
    httpx2.ReadError,
    httpx2.WriteError,
    httpx2.RemoteProtocolError,  # the connection was closed without a response
    httpx2.TimeoutException,
)


class Attempts:
    """Counts the attempts of one call, and says how long to wait before the next."""

    def __init__(self, spec: ChatModelSpec) -> None:
        self.made = 0
        self.refused_pause: float | None = None
        """Seconds that the server asked to wait, where that is more than the entry allows."""
        self._spec = spec
        self._end = time.monotonic() + min(spec.retry_seconds, spec.answer_timeout)

    def pause(self, failure: httpx2.Response | Exception) -> float | None:
        """Give the seconds until the next attempt, None if there is none. A response must have been read."""
        if self.made > self._spec.max_retries or not may_pass(failure):
            return None
        asked = retry_after(failure.headers) if isinstance(failure, httpx2.Response) else None
        pause = backoff(self.made) if asked is None else asked * random.uniform(1, 1.1)  # noqa: S311 - no secret
        if time.monotonic() + pause <= self._end:
            return pause
        self.refused_pause = asked
        return None


def may_pass(failure: httpx2.Response | Exception) -> bool:
    """Tell what may be otherwise next time: a busy or failing server, a connection refused, lost or silent."""
    if isinstance(failure, httpx2.Response):
        return (failure.status_code in {408, 429} or failure.status_code >= 500) and not _no_quota(failure)
    return isinstance(failure, _PASSING) and not any(map(_is_lasting, causes(failure)))


def backoff(attempts: int) -> float:
    """Give the seconds to wait after so many attempts: doubled each time, shortened by chance by up to a half."""
    return min(_FIRST_PAUSE * 2.0 ** (attempts - 1), _LONGEST_PAUSE) * random.uniform(0.5, 1)  # noqa: S311 - no secret


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Read how many seconds the server asks to wait: `retry-after-ms` of OpenAI, or Retry-After (RFC 9110, 10.2.3)."""
    if milliseconds := _number(headers.get("retry-after-ms", "")):
        return milliseconds / 1000
    said = headers.get("retry-after", "")
    if (seconds := _number(said)) is not None:
        return seconds
    try:
        when = parsedate_to_datetime(said)
    except ValueError:
        return None
    return max(0.0, (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() - time.time())


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Give an error and what it was made from, the last link being what really happened."""
    while error:
        yield error
        error = error.__cause__ or error.__context__


def _is_lasting(error: BaseException) -> bool:
    """A certificate that is not trusted stays so, and so does a host name that does not exist."""
    no_name = isinstance(error, socket.gaierror) and error.errno != socket.EAI_AGAIN
    return no_name or isinstance(error, ssl.SSLCertVerificationError)


def _no_quota(response: httpx2.Response) -> bool:
    try:
        body = json.loads(response.content)
    except ValueError:
        return False
    return isinstance(body, dict) and is_no_quota(body.get("error"))


def _number(text: str) -> float | None:
    return float(text) if text.replace(".", "", 1).isdecimal() else None

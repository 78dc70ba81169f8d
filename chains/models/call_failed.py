"""Why a call of a chat model was given up below the client library."""

from typing import Literal

import httpx2

Kind = Literal["status", "timeout", "connection", "busy", "oversized", "reported", "malformed", "incomplete", "empty"]
"""Of what kind a failure is; docs/failures.md tells what each means."""


class CallFailed(httpx2.TransportError):
    """`kind` of the failure, `what` happened and the `remedy`, in words; `attempts` made until then.

    It is an error of the HTTP library so that the client library passes it on as such, as the cause of its own.
    """

    def __init__(self, kind: Kind, what: str, remedy: str, attempts: int = 1) -> None:
        super().__init__(what)
        self.kind: Kind = kind
        self.what = what
        self.remedy = remedy
        self.attempts = attempts

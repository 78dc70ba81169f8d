"""Waiting for what happens in another thread or process, as long as a busy machine may need."""

import time
from collections.abc import Callable
from typing import TypeVar

_Value = TypeVar("_Value")


def wait_until(holds: Callable[[], _Value], seconds: float = 60.0) -> _Value:
    """Give the first value that is true."""
    end = time.monotonic() + seconds
    while not (value := holds()):
        assert time.monotonic() < end, "waited for nothing"
        time.sleep(0.02)
    return value

"""The files that commands write."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from config.errors import ConfigError


def require_writable(path: Path) -> None:
    """Raise ConfigError now rather than after the work."""
    if path.is_dir() or not path.parent.is_dir():
        raise ConfigError(f"cannot write {path}: not a file in a folder that exists")


@contextmanager
def open_output(path: Path) -> Iterator[TextIO]:
    """Open a file for text. Raises ConfigError where it cannot be opened, and where it cannot be written in the end."""
    try:
        with path.open("w", encoding="utf-8") as file:
            yield file
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}") from None

"""`askmd ask --history`: what was said before, from a file."""

import json
from pathlib import Path
from typing import Any

from config.errors import ConfigError


def read_history(path: Path) -> list[Any]:
    """Read messages from a JSON file; what they look like is for the chain to check. Raises ConfigError."""
    try:
        messages = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot read {path}: {error}") from None
    if not isinstance(messages, list):
        raise ConfigError(f"{path}: not a JSON list of messages")
    return messages

"""What a report may tell of settings: neither keys, nor addresses, nor places of one machine."""

import re
from typing import Any

from config.settings import SECRET_SETTINGS, Settings

UNREPORTED = SECRET_SETTINGS | {"milvus_uri", "models", "prompts_dir"}


def reported(settings: Settings) -> dict[str, Any]:
    """Give the settings as plain JSON values."""
    chosen = settings.model_dump(mode="json", exclude=set(UNREPORTED))
    return {name: _without_address(value) for name, value in chosen.items()}


def _without_address(value: Any) -> Any:
    return re.sub(r"\w+://[^&]*", "...", value) if isinstance(value, str) else value

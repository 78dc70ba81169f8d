"""How the server writes its log: lines for people on a terminal, JSON for programs elsewhere."""

import sys
from typing import Any

_QUIET = ("httpx", "httpx2", "mcp", "pymilvus", "milvus_lite", "faiss")


def log_config() -> dict[str, Any]:
    """Give it in the form of logging.config.dictConfig. uvicorn's line about each request makes way for ours."""
    plain = {"()": "logging.Formatter", "format": "%(asctime)s %(levelname)s %(message)s"}
    structured = {
        "()": "pythonjsonlogger.json.JsonFormatter",
        "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": plain if sys.stderr.isatty() else structured},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "stream": "ext://sys.stderr"}},
        "root": {"handlers": ["stderr"], "level": "INFO"},
        "loggers": {
            "uvicorn.access": {"handlers": [], "propagate": False},
            **{name: {"level": "WARNING"} for name in _QUIET},
        },
    }

"""Importing pymilvus so that the user's settings reach it through askmd alone."""

import importlib
import logging
import os
from functools import cache
from threading import Lock
from types import ModuleType

_importing = Lock()


@cache
def import_pymilvus(name: str = "pymilvus") -> ModuleType:
    """Import pymilvus or a package that imports it; the only way in which askmd may do so.

    When it is first imported, pymilvus 3.0 loads any `.env` above its own folder into the environment, and takes
    MILVUS_URI for the address of a server: the path of a Milvus Lite file ends the import with an error.
    """
    # Milvus Lite's index library would keep its threads in a busy loop after each search, and with them the cores.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    with _importing:
        hidden = {"MILVUS_URI": "", "MILVUS_DEFAULT_CONNECTION": "", "PYTHON_DOTENV_DISABLED": "1"}
        before = {variable: os.environ.get(variable) for variable in hidden}
        os.environ.update(hidden)
        try:
            module = importlib.import_module(name)
        finally:
            for variable, value in before.items():
                if value is None:
                    del os.environ[variable]
                else:
                    os.environ[variable] = value
    # Their reports of an error that is raised as well would stand beside the one line that the user gets.
    for logger in ("pymilvus", "milvus_lite"):
        logging.getLogger(logger).setLevel(logging.CRITICAL)
    return module

"""A class of pymilvus.model, by name and arguments: `TEIEmbeddingFunction?api_url=http://localhost:8080`.

Such a name is stored with every collection and may come from a project's own settings file. So only the arguments that
a class declares are taken, not those that it would pass on (they can make a hub run its code here), and never a key: a
key comes from the environment.
"""

import inspect
import logging
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from config.errors import AskmdError, ConfigError
from store.pymilvus_import import import_pymilvus

_KEY_VARIABLES = {
    "CohereEmbeddingFunction": "CO_API_KEY",
    "CohereRerankFunction": "CO_API_KEY",
    "GeminiEmbeddingFunction": "GEMINI_API_KEY",
    "JevRerankFunction": "TYPESAFE_API_KEY",
    "JinaEmbeddingFunction": "JINAAI_API_KEY",
    "JinaRerankFunction": "JINAAI_API_KEY",
    "MistralAIEmbeddingFunction": "MISTRALAI_API_KEY",
    "NomicEmbeddingFunction": "NOMIC_API_KEY",
    "OpenAIEmbeddingFunction": "OPENAI_API_KEY",
    "VoyageEmbeddingFunction": "VOYAGE_API_KEY",
    "VoyageRerankFunction": "VOYAGE_API_KEY",
}
_SECRET = re.compile(r"key|token(?!i)|secret|password|credential|auth", re.IGNORECASE)  # but tokenizer_name


class PymilvusCall:
    """What to make, named with its arguments in the order of the alphabet.

    `kind` says what `classes` are, as in "embedding function". Raises ConfigError for a name, an argument or a key that
    the user can mend.
    """

    def __init__(self, call: str, kind: str, classes: Mapping[str, Callable[..., Any]]) -> None:
        name, _, query = call.partition("?")
        if name not in classes:
            raise ConfigError(f"pymilvus.model has no {kind} {name!r}; it has {', '.join(sorted(classes))}")
        parameters = inspect.signature(classes[name]).parameters
        declared = {name: p for name, p in parameters.items() if p.kind is not p.VAR_KEYWORD}
        self.function = name
        self._make = classes[name]
        self._arguments = _arguments(name, query, declared)
        self.name = name
        if self._arguments:
            self.name += "?" + urlencode(sorted(self._arguments.items()), safe="/:", quote_via=quote)
        self._key = ""
        if "api_key" in declared and name in _KEY_VARIABLES:
            self._key = self._arguments["api_key"] = _key(name)

    def make(self) -> Any:
        """Make it; whatever the class raises is raised."""
        return self._make(**self._arguments)

    @contextmanager
    def explained(self, what: str, error: type[AskmdError]) -> Iterator[None]:
        """Turn whatever happens inside into one line without the key: `what` and why."""
        try:
            yield
        except Exception as cause:  # every class has its own client, and each client its own errors
            reason = " ".join(str(cause).split())[:300] or type(cause).__name__
            if self._key:
                reason = reason.replace(self._key, "***")
            raise error(f"pymilvus:{self.name} {what}: {reason}") from cause


def import_models() -> ModuleType:
    """Import pymilvus.model, and never let it install anything. Raises ConfigError if it is not installed."""
    logging.getLogger("transformers").addFilter(_worth_saying)
    try:
        model = import_pymilvus("pymilvus.model")
    except ImportError as error:
        raise ConfigError(f"pymilvus:... needs a package: pip install 'pymilvus[model]' ({error})") from error
    model.utils.prompt_install = _never_install
    return model


def _arguments(
    function: str, query: str, declared: Mapping[str, inspect.Parameter]
) -> dict[str, bool | int | float | str]:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    except ValueError as error:
        raise ConfigError(f"pymilvus:{function}: arguments must look like ?name=value&name=value") from error
    open_to_all = [name for name in declared if not _SECRET.search(name)]
    for name, value in pairs:
        if _SECRET.search(name) or re.match(r"\w+://[^/]*@", value):
            variable = _KEY_VARIABLES.get(function)
            hint = f"set {variable} in the environment" if variable else "its own environment variables do"
            raise ConfigError(f"pymilvus:{function}: argument {name!r} may not carry a key or password; {hint}")
        if name not in open_to_all:
            raise ConfigError(f"pymilvus:{function} has no argument {name!r}; it has {', '.join(open_to_all)}")
    if len(dict(pairs)) < len(pairs):
        raise ConfigError(f"pymilvus:{function}: an argument is given twice")
    arguments = {name: _value(text) for name, text in pairs}
    missing = [
        name for name in open_to_all if declared[name].default is inspect.Parameter.empty and name not in arguments
    ]
    if missing:
        raise ConfigError(
            f"pymilvus:{function} needs the argument {missing[0]!r}: pymilvus:{function}?{missing[0]}=..."
        )
    return arguments


def _value(text: str) -> bool | int | float | str:
    if text.lower() in {"true", "false"}:
        return text.lower() == "true"
    if re.fullmatch(r"[-+]?[0-9]+", text):
        return int(text)
    if re.fullmatch(r"[-+]?[0-9]*\.[0-9]+(e[-+]?[0-9]+)?", text, re.IGNORECASE):
        return float(text)
    return text


def _key(function: str) -> str:
    variable = _KEY_VARIABLES[function]
    key = os.environ.get(variable)
    if not key:
        raise ConfigError(f"pymilvus:{function} needs a key: set {variable} in the environment")
    return key


def _never_install(package: str, *_: object) -> None:
    """Stands in for pymilvus.model's way of running pip whenever it does not find a module."""
    try:
        version(re.split(r"[<>=!~]", package)[0])
    except PackageNotFoundError:
        raise ModuleNotFoundError(f"it needs a package: pip install '{package}'") from None


def _worth_saying(record: logging.LogRecord) -> bool:
    """Not what transformers says at every start, although its tokenizers alone are wanted here."""
    return "PyTorch was not found" not in record.getMessage()

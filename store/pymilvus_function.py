"""Any embedding function of pymilvus.model, by name and arguments: `TEIEmbeddingFunction?api_url=http://localhost:8080`.

The name is stored with every collection and may come from a project's own settings file. So only the arguments that a
function declares are taken, not those that it would pass on (they can make a hub run its code here), and never a key:
a key comes from the environment.
"""

import inspect
import logging
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from config.errors import ConfigError, EmbeddingError
from store.pymilvus_import import import_pymilvus
from store.tokens import approximate_token_starts

_TEXTS_A_CALL = 64  # hosted models take between 96 and 2048
_KEY_VARIABLES = {
    "CohereEmbeddingFunction": "CO_API_KEY",
    "GeminiEmbeddingFunction": "GEMINI_API_KEY",
    "JinaEmbeddingFunction": "JINAAI_API_KEY",
    "MistralAIEmbeddingFunction": "MISTRALAI_API_KEY",
    "NomicEmbeddingFunction": "NOMIC_API_KEY",
    "OpenAIEmbeddingFunction": "OPENAI_API_KEY",
    "VoyageEmbeddingFunction": "VOYAGE_API_KEY",
}
_SECRET = re.compile(r"key|token(?!i)|secret|password|credential|auth", re.IGNORECASE)  # but tokenizer_name


class PymilvusFunction:
    """An embedding function of pymilvus.model, named with its arguments in the order of the alphabet.

    Raises ConfigError for a name, an argument or a key that the user can mend, EmbeddingError if the function cannot
    be set up (a package or the network is missing) or fails later. Tokens are estimated, vectors not normalised.
    """

    max_tokens = None

    def __init__(self, call: str) -> None:
        function, _, query = call.partition("?")
        self.call = function
        make, declared = _find(function)
        arguments = _arguments(function, query, declared)
        if arguments:
            self.call += "?" + urlencode(sorted(arguments.items()), safe="/:", quote_via=quote)
        self._key = ""
        if "api_key" in declared:
            self._key = arguments["api_key"] = _key(function)
        with self._explained("cannot be set up"):
            self._function = make(**arguments)
        self._dim: int | None = None

    @property
    def dim(self) -> int:
        """What the function says, else the length of one word's vector."""
        if self._dim is None:
            try:
                self._dim = int(self._function.dim)
            except Exception:  # noqa: BLE001 - functions fail in many ways for a model that they do not list
                self._dim = len(self.encode_documents(["dimension"])[0])
        return self._dim

    def __call__(self, texts: list[str]) -> list[Any]:
        """The same as `encode_documents`."""
        return self.encode_documents(texts)

    def encode_documents(self, documents: list[str]) -> list[Any]:
        """One row a text, in order, as the function gives it."""
        return self._in_batches(self._function.encode_documents, documents)

    def encode_queries(self, queries: list[str]) -> list[Any]:
        """The same for questions, which some functions read differently."""
        return self._in_batches(self._function.encode_queries, queries)

    def token_starts(self, text: str) -> Sequence[int]:
        """Estimated: see `approximate_token_starts`."""
        return approximate_token_starts(text)

    def _in_batches(self, encode: Callable[[list[str]], Sequence[Any]], texts: list[str]) -> list[Any]:
        rows: list[Any] = []
        for first in range(0, len(texts), _TEXTS_A_CALL):
            with self._explained("failed"):
                rows.extend(encode(texts[first : first + _TEXTS_A_CALL]))
        return rows

    @contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # every function has its own client, and each client its own errors
            reason = " ".join(str(error).split())[:300] or type(error).__name__
            if self._key:
                reason = reason.replace(self._key, "***")
            raise EmbeddingError(f"pymilvus:{self.call} {what}: {reason}") from error


def _find(function: str) -> tuple[Callable[..., Any], Mapping[str, inspect.Parameter]]:
    """The function's class, and the arguments that it declares."""
    logging.getLogger("transformers").addFilter(_worth_saying)
    try:
        model = import_pymilvus("pymilvus.model")
    except ImportError as error:
        raise EmbeddingError(f"pymilvus:{function} needs a package: pip install 'pymilvus[model]' ({error})") from error
    model.utils.prompt_install = _never_install
    known = {name: getattr(model.dense, name) for name in model.dense.__all__}
    known["DefaultEmbeddingFunction"] = model.DefaultEmbeddingFunction
    if function not in known:
        raise ConfigError(f"pymilvus.model has no embedding function {function!r}; it has {', '.join(sorted(known))}")
    parameters = inspect.signature(known[function]).parameters
    return known[function], {name: p for name, p in parameters.items() if p.kind is not p.VAR_KEYWORD}


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

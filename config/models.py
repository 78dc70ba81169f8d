"""The chat-model registry: short name -> everything that is needed to talk to that model, as data."""

import tomllib
from collections.abc import Mapping
from datetime import date
from importlib.resources import files
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from config.errors import ConfigError, QuestionError


class Prices(BaseModel):
    """US dollars for one million tokens, and the day they were read from the provider's page."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: float = Field(ge=0)
    cached_input: float | None = Field(default=None, ge=0)
    output: float = Field(ge=0)
    checked: date


class ChatModelSpec(BaseModel):
    """One entry of the registry. It names the variable that holds the key, never the key."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    description: str = ""
    provider: Literal["openai", "langchain", "offline"] = "openai"
    base_url: str = ""
    model: str = ""
    api_key_env: str | None = None
    key_page: str | None = None
    thinking: Literal["enabled", "disabled"] | None = None
    temperature: float | None = Field(default=None, ge=0, le=2)
    max_tokens: int | None = Field(default=None, gt=0)
    connect_timeout: float = Field(default=10.0, gt=0, description="seconds until the connection is there")
    timeout: float = Field(default=60.0, gt=0, description="seconds until the next token arrives")
    first_token_timeout: float | None = Field(default=None, gt=0, description="until the first one, if it differs")
    answer_timeout: float = Field(default=600.0, gt=0, description="seconds for all of it, retries included")
    max_retries: int = Field(default=2, ge=0, le=10, description="attempts after a failed one")
    retry_seconds: float = Field(default=30.0, ge=0, description="after so long no further attempt is begun")
    max_concurrency: int = Field(default=8, ge=1, le=100, description="requests at once; others wait for their turn")
    max_reply_bytes: int = Field(default=4_000_000, gt=0, description="a longer reply is refused")
    extra_headers: Mapping[str, str] = Field(default_factory=dict)
    extra_body: Mapping[str, Any] = Field(default_factory=dict)
    context_tokens: int | None = Field(default=None, gt=0)
    prices: Prices | None = None
    states_cost: bool = Field(default=False, description="replies say what they cost, in US dollars: `usage.cost`")

    @property
    def host(self) -> str:
        """`host` or `host:port` of the endpoint; empty for a model that needs none."""
        return urlsplit(self.base_url).netloc.rpartition("@")[2]

    @property
    def first_token_limit(self) -> float:
        """Seconds from the request to the first token; of a plain reply to all of it, since it comes in one piece."""
        return self.first_token_timeout or self.timeout


def load_models(additions: Mapping[str, Mapping[str, Any]]) -> dict[str, ChatModelSpec]:
    """Give the shipped registry with a project's additions; an addition of a shipped name changes single keys of it.

    Raises ConfigError for an entry that is not well-formed.
    """
    shipped = tomllib.loads(files("config").joinpath("models.toml").read_text("utf-8"))
    entries = {name: {**shipped.get(name, {}), **additions.get(name, {})} for name in [*shipped, *additions]}
    return {name: _spec(name, entry) for name, entry in entries.items()}


def _spec(name: str, entry: Mapping[str, Any]) -> ChatModelSpec:
    try:
        spec = ChatModelSpec(name=name, **entry)
    except (ValidationError, TypeError) as error:
        raise ConfigError(f"model {name!r}: {_first_problem(error)}") from None
    wants_address = spec.provider == "openai" or spec.base_url
    if wants_address and not (spec.base_url.startswith(("http://", "https://")) and spec.host):
        raise ConfigError(f"model {name!r}: base_url {spec.base_url!r} is not an http(s) address")
    if spec.provider == "openai" and not spec.model:
        raise ConfigError(f"model {name!r}: `model` is missing; give the id that the provider knows it by")
    if spec.provider == "langchain":
        _check_langchain(spec)
    return spec


def _check_langchain(spec: ChatModelSpec) -> None:
    if not all(spec.model.partition(":")):
        raise ConfigError(
            f"model {spec.name!r}: `model` is {spec.model!r}; for LangChain it is PROVIDER:MODEL, "
            "such as anthropic:claude-opus-4-6"
        )
    for key in ("thinking", "extra_headers", "extra_body"):
        if getattr(spec, key):
            raise ConfigError(f"model {spec.name!r}: `{key}` is for OpenAI-compatible endpoints; leave it out")
    for key in ("connect_timeout", "retry_seconds", "max_reply_bytes"):
        if key in spec.model_fields_set:
            raise ConfigError(f"model {spec.name!r}: `{key}` is the provider's own affair here; leave it out")


def _first_problem(error: ValidationError | TypeError) -> str:
    if isinstance(error, TypeError):
        return str(error)
    first = error.errors(include_url=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']} (got {first['input']!r})"


def find_model(models: Mapping[str, ChatModelSpec], name: str) -> ChatModelSpec:
    """Look an entry up by its name. Raises ConfigError that lists the known names."""
    if name not in models:
        raise QuestionError(f"no model is called {name!r}; known: {', '.join(models)}")
    return models[name]

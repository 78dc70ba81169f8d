"""The chat-model registry: short name -> everything that is needed to talk to that model, as data."""

import tomllib
from collections.abc import Mapping
from datetime import date
from importlib.resources import files
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from config.errors import ConfigError


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
    provider: Literal["openai", "offline"] = "openai"
    base_url: str = ""
    model: str = ""
    api_key_env: str | None = None
    key_page: str | None = None
    thinking: Literal["enabled", "disabled"] | None = None
    temperature: float | None = Field(default=None, ge=0, le=2)
    max_tokens: int | None = Field(default=None, gt=0)
    timeout: float = Field(default=60.0, gt=0, description="seconds until the connection or the next bytes arrive")
    max_retries: int = Field(default=2, ge=0, le=10)
    extra_headers: Mapping[str, str] = Field(default_factory=dict)
    extra_body: Mapping[str, Any] = Field(default_factory=dict)
    context_tokens: int | None = Field(default=None, gt=0)
    prices: Prices | None = None
    states_cost: bool = Field(default=False, description="replies say what they cost, in US dollars: `usage.cost`")

    @property
    def host(self) -> str:
        """`host` or `host:port` of the endpoint; empty for a model that needs none."""
        return urlsplit(self.base_url).netloc.rpartition("@")[2]


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
    if spec.provider == "openai" and not (spec.base_url.startswith(("http://", "https://")) and spec.host):
        raise ConfigError(f"model {name!r}: base_url {spec.base_url!r} is not an http(s) address")
    if spec.provider == "openai" and not spec.model:
        raise ConfigError(f"model {name!r}: `model` is missing; give the id that the provider knows it by")
    return spec


def _first_problem(error: ValidationError | TypeError) -> str:
    if isinstance(error, TypeError):
        return str(error)
    first = error.errors(include_url=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']} (got {first['input']!r})"


def find_model(models: Mapping[str, ChatModelSpec], name: str) -> ChatModelSpec:
    """Look an entry up by its name. Raises ConfigError that lists the known names."""
    if name not in models:
        raise ConfigError(f"no model is called {name!r}; known: {', '.join(models)}")
    return models[name]

"""What the user may choose, in one frozen object. Nothing is read until `Settings()` is called."""

import os
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import unquote, urlsplit

from dotenv import dotenv_values
from pydantic import AliasChoices, Field, PrivateAttr, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from config.errors import ConfigError
from config.models import ChatModelSpec, load_models

PROJECT_FILE = "askmd.toml"
ENV_FILE = ".env"
SECRET_SETTINGS = frozenset({"milvus_token", "api_keys"})
USER_ONLY_SETTINGS = SECRET_SETTINGS | {"trusted_hosts"}
"""Settings that a project's file may not make: a folder from elsewhere must not decide where keys go."""

MAX_K = 100
"""More passages than this are no selection any more."""

Mode = Literal["strict", "labelled", "off"]
Order = Literal["rank", "reversed", "document"]
Index = Literal["FLAT", "HNSW", "IVF_SQ8", "DISKANN", "AUTOINDEX"]


class Settings(BaseSettings):
    """All settings. Precedence: arguments, environment, `.env`, `askmd.toml` in the working directory, defaults.

    Raises ConfigError for an unknown or unusable value, naming the setting and the value.
    """

    model_config = SettingsConfigDict(
        env_prefix="ASKMD_",
        env_file=ENV_FILE,
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        toml_file=PROJECT_FILE,
        frozen=True,
        extra="ignore",
        populate_by_name=True,
    )

    llm: str = Field(default="deepseek", description="chat model, a name of the registry")
    fallbacks: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="chat models to ask instead where the chosen one fails, in this order"
    )
    prompt: str = Field(default="grounded", description="prompt, by the name of its file")
    prompts_dir: Path | None = Field(default=None, description="folder with prompt files of your own")
    mode: Mode = Field(default="strict", description="what to do where the documents do not hold the answer")
    gate: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="confidence below which the documents hold no answer; 0: never; else as calibrated",
    )
    k: int = Field(default=5, ge=1, le=MAX_K, description="passages to retrieve")
    budget: int = Field(default=6000, ge=100, description="tokens of evidence in the prompt, at most")
    order: Order = Field(
        default="rank", description="order of the passages in the prompt: best first, best last, or as in their files"
    )
    passage_chars: int = Field(
        default=2000, ge=0, le=16_000, description="characters to which a found chunk grows within its section; 0: not"
    )

    rerank: str | None = Field(default=None, description="reranker, by name; none if not set")
    rerank_depth: int = Field(default=30, ge=1, le=MAX_K, description="passages that the reranker reads")
    rerank_timeout: float = Field(default=20.0, gt=0, description="seconds until a reranker is given up")
    rerank_base_url: str | None = Field(default=None, description="endpoint of an endpoint:MODEL reranker")
    rerank_key_env: str | None = Field(default=None, description="variable that holds that endpoint's key")

    embedding: str = Field(default="minilm+multilingual", description="embedding model, by name")
    embedding_base_url: str | None = Field(default=None, description="endpoint of an openai:MODEL embedding")
    embedding_key_env: str = Field(default="OPENAI_API_KEY", description="variable that holds that endpoint's key")
    splitter: Literal["askmd", "langchain"] = Field(
        default="askmd", description="how files are cut: askmd's own way, or LangChain's splitters for comparison"
    )
    index: Index = Field(default="FLAT", description="index of the vectors in a new collection, by Milvus's name")
    shards: int = Field(default=1, ge=1, le=64, description="shards of a new collection on a server")
    parts: bool = Field(default=True, description="keep what tells the parts of a chunk apart, and search with it")
    chunk_tokens: int = Field(default=200, ge=32, le=4096, description="tokens of a chunk, at most")

    milvus_uri: str = Field(
        default="askmd.db",
        validation_alias=AliasChoices("MILVUS_URI", "milvus_uri"),
        description="Milvus Lite file (ends in .db), server address, or Zilliz Cloud endpoint",
    )
    milvus_token: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("MILVUS_TOKEN", "milvus_token"),
        description="user:password of the server, or Zilliz Cloud API key",
    )
    milvus_timeout: float = Field(default=30.0, gt=0, description="seconds until a call to Milvus is given up")
    collection: str = Field(default="askmd", pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,200}$", description="Milvus collection")

    models: dict[str, dict[str, Any]] = Field(default_factory=dict, description="chat models of your own")
    trusted_hosts: str = Field(
        default="", description="hosts that askmd.toml may send your keys to, with commas between"
    )

    _project: dict[str, Any] = PrivateAttr(default_factory=dict)

    @field_validator("fallbacks", mode="before")
    @classmethod
    def _split_at_commas(cls, value: Any) -> Any:
        return [name.strip() for name in value.split(",") if name.strip()] if isinstance(value, str) else value

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
            self._project = TomlConfigSettingsSource(type(self)).toml_data
        except ValidationError as error:
            raise ConfigError(describe(error)) from None
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"{PROJECT_FILE} is not valid TOML: {error}") from None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the library calls with this signature
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put the project's file behind `.env`, and refuse keys in it that are not settings: they would do nothing."""
        project = TomlConfigSettingsSource(settings_cls)
        known = [name for name in cls.model_fields if name not in USER_ONLY_SETTINGS]
        for name in project.toml_data:
            if name not in known:
                raise ConfigError(f"{PROJECT_FILE}: {name!r} is not a setting of this file; known: {', '.join(known)}")
        return init_settings, env_settings, dotenv_settings, project

    def chat_models(self) -> dict[str, ChatModelSpec]:
        """Give the registry with the project's additions. Raises ConfigError for an entry that is not well-formed."""
        return load_models(self.models)

    def chat_key(self, spec: ChatModelSpec) -> SecretStr | None:
        """Give the key of a registry entry; None where none is needed or set.

        Raises ConfigError where askmd.toml would send it to a host that the user did not allow.
        """
        # a LangChain provider's class finds a key by itself, so that one without a variable needs trust, too
        variable = spec.api_key_env or ("your key" if spec.provider == "langchain" else None)
        if variable is None:
            return None
        shipped = {(known.api_key_env, known.host) for known in load_models({}).values()}
        if spec.name in self._project.get("models", {}) and (spec.api_key_env, spec.host) not in shipped:
            self._require_trust(f"model {spec.name!r}", variable, spec.base_url)
        return self.secret(spec.api_key_env) if spec.api_key_env else None

    def embedding_key(self) -> SecretStr | None:
        """Give the key of the embedding endpoint. Raises ConfigError as `chat_key` does."""
        self._require_trust_in("embedding")
        return self.secret(self.embedding_key_env)

    def rerank_key(self) -> SecretStr | None:
        """Give the key of the rerank endpoint. Raises ConfigError as `chat_key` does, and where it is not set."""
        self._require_trust_in("rerank")
        key = self.secret(self.rerank_key_env) if self.rerank_key_env else None
        if self.rerank_key_env and not key:
            raise ConfigError(f"rerank_key_env names {self.rerank_key_env}, which is not set")
        return key

    def milvus_key(self) -> SecretStr | None:
        """Give Milvus's token. Raises ConfigError as `chat_key` does."""
        if self.milvus_token and self._project.get("milvus_uri") == self.milvus_uri:
            self._require_trust("milvus_uri", "MILVUS_TOKEN", self.milvus_uri)
        return self.milvus_token

    def secret(self, variable: str) -> SecretStr | None:
        """Read a key from the environment or `.env`; None where it is not set or blank."""
        value = (os.environ.get(variable) or dotenv_values(ENV_FILE).get(variable) or "").strip()
        return SecretStr(value) if value else None

    def _require_trust_in(self, what: Literal["embedding", "rerank"]) -> None:
        """Look at the addresses that come from askmd.toml: in the name of a model, and of its endpoint."""
        name, base_url, variable = (getattr(self, f"{what}{part}") for part in ("", "_base_url", "_key_env"))
        if base_url and {f"{what}_base_url", f"{what}_key_env"} & self._project.keys():
            self._require_trust(f"{what}_base_url", variable or "what you ask", base_url)
        if name and self._project.get(what) == name:
            for address in re.findall(r"\w+://[^&]*", unquote(name)):
                self._require_trust(what, "your keys", address)

    def _require_trust(self, what: str, variable: str, address: str) -> None:
        host = urlsplit(address).hostname or ""
        trusted = {name.strip() for name in self.trusted_hosts.split(",")} | {"127.0.0.1", "localhost", "::1"}
        if "://" in address and host not in trusted:
            raise ConfigError(
                f"{what} in {PROJECT_FILE} would send {variable} to {host}; "
                f"if you want that, set ASKMD_TRUSTED_HOSTS={host} in your environment"
            )


def describe(error: ValidationError) -> str:
    """Name the first setting that is not usable, and its value unless that is secret."""
    first = error.errors(include_url=False)[0]
    name = str(first["loc"][0]).lower()
    value = "" if name in SECRET_SETTINGS else f" (got {first['input']!r})"
    return f"setting {'.'.join([name, *map(str, first['loc'][1:])])}: {first['msg']}{value}"

"""What whoever runs the server may choose. Never from a project's file: a folder from elsewhere opens no doors."""

from typing import Any

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from config.errors import ConfigError
from config.settings import ENV_FILE, describe


class ServingSettings(BaseSettings):
    """Precedence: arguments, environment, `.env`, defaults. Raises ConfigError for an unusable value."""

    model_config = SettingsConfigDict(
        env_prefix="ASKMD_",
        env_file=ENV_FILE,
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        frozen=True,
        extra="ignore",
    )

    host: str = Field(default="127.0.0.1", description="address to listen at; another than this machine's needs keys")
    port: int = Field(default=8000, ge=0, le=65535, description="port to listen at; 0: any free one")
    workers: int = Field(default=1, ge=1, le=64, description="processes; more than one needs a Milvus server")
    api_keys: SecretStr = Field(
        default=SecretStr(""), description="keys of clients, with commas between; none: everybody on this machine"
    )
    allowed_hosts: str = Field(default="", description="names by which clients call this server, with commas between")
    cors_origins: str = Field(
        default="", description="origins of other pages that may call it, such as https://wiki.example"
    )
    max_body_bytes: int = Field(default=1_000_000, ge=1000, description="bytes of a request, at most")
    body_seconds: float = Field(default=10.0, gt=0, description="seconds until a request has arrived")
    request_seconds: float = Field(default=300.0, gt=0, description="seconds until a request is answered, at most")
    requests_per_minute: int = Field(default=120, ge=1, description="requests of one key, or one address without keys")
    max_answers: int = Field(default=16, ge=1, description="answers under way at once; more are told to come back")
    max_question_chars: int = Field(default=4000, ge=1, description="characters of a question, at most")
    max_history_chars: int = Field(default=100_000, ge=0, description="characters of what was said before, at most")
    max_history_messages: int = Field(default=100, ge=0, description="messages of what was said before, at most")
    max_batch: int = Field(default=16, ge=1, description="questions in one request to /rag/batch, at most")
    shutdown_seconds: float = Field(default=20.0, ge=0, description="seconds that answers under way have to end")
    log_questions: bool = Field(default=False, description="write the text of questions into the log")

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise ConfigError(describe(error)) from None

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of clients; none where everybody may ask."""
        return _listed(self.api_keys.get_secret_value())

    @property
    def names(self) -> tuple[str, ...]:
        """Host names, in lower case."""
        return tuple(name.lower() for name in _listed(self.allowed_hosts))

    @property
    def origins(self) -> tuple[str, ...]:
        """Origins of other pages."""
        return tuple(origin.rstrip("/") for origin in _listed(self.cors_origins))


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())

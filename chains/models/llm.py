"""Turns an entry of the chat-model registry into a LangChain chat model."""

from typing import TYPE_CHECKING

from pydantic import SecretStr

from config.errors import ConfigError, KeyMissing
from config.models import ChatModelSpec

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

KEYLESS = SecretStr("no-key-needed")
"""Sent to servers that ask for no key: the client library insists on having one."""


def chat_model(spec: ChatModelSpec, api_key: SecretStr | None = None, *, refusal: str | None = None) -> "BaseChatModel":
    """Build the model of an entry. It holds a connection pool: build it once and use it for every question.

    `refusal` is the sentence with which the `offline` model says that the evidence does not hold the answer.
    The model raises ModelError (ChatFailure of chains/models/openai_errors.py) from invoke, stream and their twins.
    Raises ConfigError when the entry's key is missing or can not be a key, or a LangChain provider is not installed.
    """
    if spec.provider == "offline":
        from chains.models.offline import OfflineChat

        return OfflineChat(refusal=refusal) if refusal else OfflineChat()
    key = _key(spec, api_key)
    if spec.provider == "langchain":
        from chains.models.langchain_chat import open_langchain_chat

        return open_langchain_chat(spec, key)

    from chains.models.openai_chat import open_chat

    return open_chat(spec, key or KEYLESS)


def _key(spec: ChatModelSpec, api_key: SecretStr | None) -> SecretStr | None:
    if spec.api_key_env is None:
        return None
    key = api_key.get_secret_value().strip() if api_key else ""
    if not key:
        page = f" (get a key at {spec.key_page})" if spec.key_page else ""
        raise KeyMissing(f"model {spec.name!r} needs a key: set {spec.api_key_env}{page}, or use --llm offline")
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise ConfigError(
            f"the value of {spec.api_key_env} is not a key: it holds blanks or characters that no key has"
        )
    return SecretStr(key)

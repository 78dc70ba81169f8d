"""A chat model of any LangChain provider, opened by `init_chat_model`: its errors explained, its ends in one language.

Import this module only when such a model is built: it brings in langchain and the provider's package.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import aclosing, closing
from typing import Any, cast

from langchain.chat_models import init_chat_model
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import Field, SecretStr, ValidationError

from chains.models.call_failed import CallFailed
from chains.models.limited_stream import LimitedWaiting
from config.errors import AskmdError, ConfigError, ModelError
from config.models import ChatModelSpec

_REASONS = ("finish_reason", "stop_reason", "stopReason", "done_reason")
"""Where providers say why a reply ended: OpenAI and Gemini, Anthropic, Bedrock, Ollama."""
_ENDS = {
    "complete": "stop",
    "end_turn": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "model_length": "length",
    "blocklist": "content_filter",
    "content_filtered": "content_filter",
    "guardrail_intervened": "content_filter",
    "prohibited_content": "content_filter",
    "recitation": "content_filter",
    "refusal": "content_filter",
    "safety": "content_filter",
    "spii": "content_filter",
}
"""Providers' words, in lower case, for what OpenAI calls so."""
_REMEDIES = {
    401: "check its key",
    402: "top the account up, or use another entry with --llm",
    403: "check what its key is allowed to do",
    404: "check the entry's `model`",
    429: "wait a moment, or use another entry with --llm",
}


_LATER = 1.0
"""Seconds by which the provider's class gives up later than askmd does, to let go of its connection."""


def open_langchain_chat(spec: ChatModelSpec, key: SecretStr | None) -> BaseChatModel:
    """Build the model of an entry; without `key`, the provider's class looks for its own variable.

    Raises ConfigError where the provider is not known, its package is not installed, or its class wants something else.
    """
    provider, _, model = spec.model.partition(":")
    given = {
        "base_url": spec.base_url or None,
        "api_key": key,
        "temperature": spec.temperature,
        "max_tokens": spec.max_tokens,
        "timeout": max(spec.first_token_limit, spec.timeout) + _LATER,
        "max_retries": spec.max_retries,
    }
    try:
        arguments: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        inner = init_chat_model(model, model_provider=provider, **arguments)
    except Exception as error:  # noqa: BLE001 - each provider's package raises what it likes
        problem = ConfigError(f"model {spec.name!r}: {_clean(_text(error), [key] if key else [])}")
    else:
        streams = type(inner)._stream is not BaseChatModel._stream
        kind = StreamingLangChainChat if streams else LangChainChat
        return kind(inner=inner, spec=spec, waiting=LimitedWaiting(spec))
    raise problem


class LangChainChat(BaseChatModel):
    """Another chat model that raises ModelError for every failure and for an empty reply.

    `response_metadata["finish_reason"]` of a message is in OpenAI's words, whatever the provider's are.
    """

    inner: BaseChatModel = Field(exclude=True, repr=False)
    spec: ChatModelSpec
    waiting: LimitedWaiting = Field(exclude=True, repr=False)

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """Say no: a stored copy could not hold the connections, and must not hold the key."""
        return False

    @property
    def _llm_type(self) -> str:
        return "langchain"

    def _generate(self, *args: Any, stream: bool = False, **kwargs: Any) -> ChatResult:  # noqa: ARG002 - for LangChain
        try:
            result = self.waiting.call(lambda: self.inner._generate(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - each provider's package raises what it likes
            failure = self._failure(error)
        else:
            return self._checked(result)
        raise failure  # outside the handler: the provider's error may hold the request with its key

    async def _agenerate(self, *args: Any, stream: bool = False, **kwargs: Any) -> ChatResult:  # noqa: ARG002 - as above
        try:
            result = await self.waiting.call_async(lambda: self.inner._agenerate(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - as above
            failure = self._failure(error)
        else:
            return self._checked(result)
        raise failure

    def _checked(self, result: ChatResult) -> ChatResult:
        says_something = False
        for generation in result.generations:
            _note_end(generation)
            says_something = says_something or _says_something(generation)
        if not says_something:
            raise self._complaint("the answer is empty; ask again")
        return result

    def _complaint(self, what: str) -> ModelError:
        return ModelError(f"model {self.spec.name!r} ({self.spec.model}): {what}")

    def _failure(self, error: Exception) -> AskmdError:
        if isinstance(error, AskmdError):
            return error
        if isinstance(error, CallFailed):
            return self._complaint(f"{error.what}; {error.remedy}")
        secrets = [value for value in vars(self.inner).values() if isinstance(value, SecretStr)]
        remedy = _REMEDIES.get(_status(error) or 0, "try again later, or use another entry with --llm")
        return self._complaint(f"{type(error).__name__}: {_clean(_text(error), secrets)}; {remedy}")


class StreamingLangChainChat(LangChainChat):
    """The same for a provider that streams. A stream that does not say why it ended may have broken off: an error."""

    def _stream(self, *args: Any, stream: bool = True, **kwargs: Any) -> Iterator[ChatGenerationChunk]:  # noqa: ARG002
        end, says_something = "", False
        try:
            with closing(cast("Any", self.waiting.iterate(lambda: self.inner._stream(*args, **kwargs)))) as chunks:
                for chunk in chunks:
                    end = _note_end(chunk) or end
                    says_something = says_something or _says_something(chunk)
                    yield chunk
        except Exception as error:  # noqa: BLE001 - as above
            failure: AskmdError | None = self._failure(error)
        else:
            failure = self._flaw(end, says_something=says_something)
        if failure:
            raise failure

    async def _astream(
        self,
        *args: Any,
        stream: bool = True,  # noqa: ARG002 - for LangChain
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        end, says_something = "", False
        try:
            async with aclosing(
                cast("Any", self.waiting.iterate_async(self.inner._astream(*args, **kwargs)))
            ) as chunks:
                async for chunk in chunks:
                    end = _note_end(chunk) or end
                    says_something = says_something or _says_something(chunk)
                    yield chunk
        except Exception as error:  # noqa: BLE001 - as above
            failure: AskmdError | None = self._failure(error)
        else:
            failure = self._flaw(end, says_something=says_something)
        if failure:
            raise failure

    def _flaw(self, end: str, *, says_something: bool) -> ModelError | None:
        if not end:
            return self._complaint("the reply broke off (nothing says why it ended); ask again")
        return None if says_something else self._complaint(f"the answer is empty (it ended with {end!r}); ask again")


def _note_end(generation: ChatGeneration) -> str:
    """Say in the message why the reply ended, in OpenAI's words; give that, or nothing as long as it goes on."""
    said: Mapping[str, Any] = {**(generation.generation_info or {}), **generation.message.response_metadata}
    reason = next((str(said[name]) for name in _REASONS if said.get(name)), "")
    end = _ENDS.get(reason.lower(), reason.lower())
    if end:
        generation.message.response_metadata["finish_reason"] = end
    return end


def _says_something(generation: ChatGeneration) -> bool:
    message = generation.message
    calls = message.tool_calls if isinstance(message, AIMessage) else []
    return bool(message.text.strip() or calls)


def _status(error: Exception) -> int | None:
    """Find the HTTP status where providers' packages keep it."""
    for holder in (error, getattr(error, "response", None)):
        for name in ("status_code", "code", "status"):
            if isinstance(status := getattr(holder, name, None), int):
                return status
    return None


def _text(error: Exception) -> str:
    """Give what an error says; of pydantic's, not the values, which may be secret."""
    if isinstance(error, ValidationError):
        return "; ".join(
            f"{'.'.join(map(str, each['loc']))}: {each['msg']}"
            for each in error.errors(include_url=False, include_input=False)
        )
    return str(error)


def _clean(text: str, secrets: list[SecretStr]) -> str:
    for secret in secrets:
        if value := secret.get_secret_value():
            text = text.replace(value, "(key)")
    line = "".join(filter(str.isprintable, " ".join(text.split())))
    return line.rstrip(".") if len(line) <= 300 else f"{line[:300]}…"

"""ChatOpenAI for any OpenAI-compatible server, DeepSeek first: errors explained, half replies refused, usage complete.

Import this module only when such a model is built: it brings in langchain_openai.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import openai
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.messages.ai import InputTokenDetails
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_openai import ChatOpenAI
from pydantic import Field, SecretStr

from chains.models.openai_client import open_async_client, open_client
from chains.models.openai_errors import FORESEEN, Explainer
from chains.models.slots import Slots
from chains.models.thinking import THINKING
from chains.models.usage import REPORTS
from config.errors import ModelError
from config.models import ChatModelSpec

_OPENAI_HOST = "api.openai.com"


def open_chat(spec: ChatModelSpec, key: SecretStr) -> "OpenAICompatibleChat":
    """Build the model of an entry; every value that the library would else take from the environment is given."""
    slots = Slots(spec.max_concurrency)
    sync = open_client(spec, key.get_secret_value(), slots)
    twin = open_async_client(spec, key.get_secret_value(), slots)
    thinking = {"thinking": {"type": spec.thinking}} if spec.thinking else {}
    model = OpenAICompatibleChat(
        model=spec.model,
        base_url=spec.base_url,
        api_key=key,
        temperature=spec.temperature,
        max_completion_tokens=spec.max_tokens,
        max_retries=0,
        default_headers=dict(spec.extra_headers) or None,
        extra_body={**spec.extra_body, **thinking} or None,
        stream_usage=True,
        stream_chunk_timeout=None,  # the limits of the entry are kept in chains/models/limited_calls.py
        openai_proxy=None,
        output_version="v0",
        use_responses_api=False,
        client=sync.chat.completions,
        root_client=sync,
        async_client=twin.chat.completions,
        root_async_client=twin,
        explainer=Explainer(spec, key),
    )
    model.openai_organization = None  # the library took it from the environment
    return model


class OpenAICompatibleChat(ChatOpenAI):
    """A chat model that raises ModelError for every failure, and for a reply that breaks off or is empty.

    `response_metadata["finish_reason"]` of a message says why it ended (`length`, `content_filter`: not whole).
    `usage_metadata` is None when the server reported nothing; what it reported stands as it is in
    `response_metadata`, for chains/models/usage.py. Thinking is kept in `additional_kwargs["reasoning_content"]`, apart
    from the answer.
    """

    explainer: Explainer = Field(exclude=True, repr=False)

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """Say no: a stored copy could not hold the connections, and must not hold the key."""
        return False

    def _generate(self, *args: Any, **kwargs: Any) -> ChatResult:
        try:
            result = super()._generate(*args, **kwargs)
        except FORESEEN as error:
            failure = self.explainer.explain(error)
        else:
            return self._checked(result)
        raise failure  # outside the handler, so that the library's error is not kept as its context

    async def _agenerate(self, *args: Any, **kwargs: Any) -> ChatResult:
        try:
            result = await super()._agenerate(*args, **kwargs)
        except FORESEEN as error:
            failure = self.explainer.explain(error)
        else:
            return self._checked(result)
        raise failure

    def _stream(self, *args: Any, **kwargs: Any) -> Iterator[ChatGenerationChunk]:
        end = _End()
        try:
            for chunk in super()._stream(*args, **kwargs):
                end.note(chunk)
                yield chunk
        except FORESEEN as error:
            failure: ModelError | None = self.explainer.explain(error)
        else:
            failure = self._flaw(end)
        if failure:
            raise failure

    async def _astream(self, *args: Any, **kwargs: Any) -> AsyncIterator[ChatGenerationChunk]:
        end = _End()
        try:
            async for chunk in super()._astream(*args, **kwargs):
                end.note(chunk)
                yield chunk
        except FORESEEN as error:
            failure: ModelError | None = self.explainer.explain(error)
        else:
            failure = self._flaw(end)
        if failure:
            raise failure

    def _checked(self, result: ChatResult) -> ChatResult:
        end = _End()
        for generation in result.generations:
            end.note(generation)
        if failure := self._flaw(end):
            raise failure
        return result

    def _flaw(self, end: "_End") -> ModelError | None:
        if not end.begun:
            return self.explainer.malformed("nothing in it")
        if end.reason is None:
            return self.explainer.incomplete()
        if not end.says_something and end.reason in {"stop", "length"}:
            return self.explainer.empty(end.reason)
        return None

    def _get_request_payload(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        payload: dict[str, Any] = super()._get_request_payload(*args, **kwargs)
        if self.explainer.spec.host != _OPENAI_HOST and "max_completion_tokens" in payload:
            payload["max_tokens"] = payload.pop("max_completion_tokens")  # the name that every other server knows
        return payload

    def _create_chat_result(
        self, response: dict[str, Any] | openai.BaseModel, generation_info: dict[str, Any] | None = None
    ) -> ChatResult:
        result = super()._create_chat_result(response, generation_info)
        reply = response if isinstance(response, dict) else response.model_dump(warnings=False)
        for generation, choice in zip(result.generations, reply["choices"], strict=True):
            _add_what_deepseek_says(generation.message, choice["message"], reply.get("usage"))
        return result

    def _convert_chunk_to_generation_chunk(
        self, chunk: dict[str, Any], default_chunk_class: type, base_generation_info: dict[str, Any] | None
    ) -> ChatGenerationChunk | None:
        generation = super()._convert_chunk_to_generation_chunk(chunk, default_chunk_class, base_generation_info)
        if generation:
            delta = chunk["choices"][0]["delta"] if chunk.get("choices") else {}
            _add_what_deepseek_says(generation.message, delta, chunk.get("usage"))
        return generation

    def _get_encoding_model(self) -> NoReturn:
        raise NotImplementedError("tokens are counted by the server: its tokenizer is not known here")


@dataclass
class _End:
    """What is known so far about how a reply ends."""

    begun: bool = False
    reason: str | None = None
    says_something: bool = False

    def note(self, generation: ChatGeneration) -> None:
        self.begun = True
        self.reason = (generation.generation_info or {}).get("finish_reason") or self.reason
        message = generation.message
        calls = message.tool_calls if isinstance(message, AIMessage) else []
        self.says_something = self.says_something or bool(message.text.strip() or calls)


def _add_what_deepseek_says(message: BaseMessage, said: Mapping[str, Any], usage: Mapping[str, Any] | None) -> None:
    """Add the fields that ChatOpenAI drops because OpenAI has none of that name (OpenRouter says `reasoning`)."""
    if not isinstance(message, AIMessage):
        return
    if reasoning := said.get("reasoning_content") or said.get("reasoning"):
        message.additional_kwargs[THINKING] = reasoning
    if usage:
        message.response_metadata[REPORTS] = [dict(usage)]
    cached = (usage or {}).get("prompt_cache_hit_tokens")
    if cached is not None and message.usage_metadata:
        details = message.usage_metadata.get("input_token_details", InputTokenDetails())
        message.usage_metadata["input_token_details"] = {**details, "cache_read": cached}

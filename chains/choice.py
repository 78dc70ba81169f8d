"""The first step of the chain: what is asked, and what the call chose for it."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, cast, get_args

from langchain_core.messages import BaseMessage, convert_to_messages
from langchain_core.runnables import ConfigurableField, Runnable, RunnableConfig, RunnableSerializable
from pydantic import Field, ValidationError

from chains.models.entries import Entries
from chains.models.thinking import without_thinking
from chains.prompting.prompts import MODES, Prompt, find_prompt
from chains.schema import Question
from chains.state import State
from chains.text.refusal import in_language_of
from config.errors import ConfigError, QuestionError
from config.models import ChatModelSpec, find_model
from config.settings import MAX_K, Mode, Order, Settings
from store.filters import Filters, check_filters

_QUESTION_KEYS = set(Question.__annotations__)


class Choose(RunnableSerializable[str | Question, State]):
    """Reads the question and adds the choices. Its first fields, up to `order`, are all that a call may set."""

    llm: str
    prompt: str
    k: int
    mode: str
    order: str
    fallbacks: tuple[str, ...]
    models: Mapping[str, ChatModelSpec]
    prompts: Mapping[str, Prompt]

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            raise ConfigError(f"{first['loc'][0]}: {first['msg']} (got {first['input']!r})") from None
        find_model(self.models, self.llm)
        for name in self.fallbacks:
            find_model(self.models, name)
        find_prompt(self.prompts, self.prompt)
        if not 1 <= self.k <= MAX_K:
            raise QuestionError(f"k is {self.k}; it must be between 1 and {MAX_K}")
        if self.mode not in MODES:
            raise QuestionError(f"no mode is called {self.mode!r}; known: {', '.join(MODES)}")
        if self.order not in get_args(Order):
            raise QuestionError(f"no order is called {self.order!r}; known: {', '.join(get_args(Order))}")

    def invoke(
        self,
        input: str | Question,
        config: RunnableConfig | None = None,
        **kwargs: Any,  # noqa: ARG002 - as above
    ) -> State:
        """Give the state that the other steps work on. Raises QuestionError for an input of another form."""
        return self._call_with_config(self._start, input, config)

    def _start(self, given: str | Question) -> State:
        question, history, filters = _read_question(given)
        return State(
            question=question,
            search=question,
            chat_history=history,
            filter=filters,
            llm=self.llm,
            entries=Entries.of(self.llm, self.fallbacks),
            model=self.models[self.llm].model,
            prompt=self.prompt,
            refusal=self.prompts[self.prompt].refusal or in_language_of(question).refusal,
            retrieval=self.prompts[self.prompt].retrieval,
            k=self.k,
            mode=cast("Mode", self.mode),
            order=cast("Order", self.order),
            notices=[],
            spent=[],
        )


def choose(
    settings: Settings, models: Mapping[str, ChatModelSpec], prompts: Mapping[str, Prompt]
) -> Runnable[str | Question, State]:
    """Make the step with the choices of the settings. Raises ConfigError for one that names nothing."""
    step = Choose(
        llm=settings.llm,
        prompt=settings.prompt,
        k=settings.k,
        mode=settings.mode,
        order=settings.order,
        fallbacks=settings.fallbacks,
        models=models,
        prompts=prompts,
    )
    return step.configurable_fields(
        llm=ConfigurableField(id="llm", description="chat model", annotation=_one_of(models)),
        prompt=ConfigurableField(id="prompt", description="prompt file", annotation=_one_of(prompts)),
        k=ConfigurableField(id="k", description="passages", annotation=Annotated[int, Field(ge=1, le=MAX_K)]),
        mode=ConfigurableField(id="mode", description="evidence gate", annotation=Mode),
        order=ConfigurableField(id="order", description="order of the passages in the prompt", annotation=Order),
    )


def _one_of(names: Mapping[str, Any]) -> Any:
    return Literal.__getitem__(tuple(names))


def _read_question(given: Any) -> tuple[str, list[BaseMessage], Filters]:
    if isinstance(given, str):
        given = {"question": given}
    if not isinstance(given, Mapping) or not isinstance(given.get("question"), str):
        raise QuestionError(
            'a question is a text, or a dictionary {"question": ..., "chat_history": [...], "filter": {...}}'
        )
    if unknown := set(given) - _QUESTION_KEYS:
        raise QuestionError(f"a question has no {sorted(unknown)[0]!r}; known: {', '.join(sorted(_QUESTION_KEYS))}")
    question = given["question"].strip()
    if not question:
        raise QuestionError("the question is empty")
    filters = given.get("filter") or {}
    check_filters(filters)
    return question, _read_history(given.get("chat_history") or []), filters


def _read_history(messages: Any) -> list[BaseMessage]:
    if not isinstance(messages, list | tuple):
        raise QuestionError(f"chat_history is not a list of messages: {messages!r:.200}")
    try:
        return [without_thinking(message) for message in convert_to_messages(messages)]
    except (ValueError, NotImplementedError, TypeError, LookupError) as error:
        raise QuestionError(f"chat_history is not a list of messages: {' '.join(str(error).split())[:200]}") from None

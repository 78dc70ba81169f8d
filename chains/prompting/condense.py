"""A follow-up question -> a question that stands alone, which is what is searched.

The chat model of the answer rewrites it, in a call of its own. What the model says is not trusted: where it is no
single question, the follow-up is searched together with the question before it, and the reader is told. Where the call
fails, the next entry is asked (chains/models/fallback.py) and also answers; without one the question fails: the answer
would come from the same server, and an outage must not become a worse search.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_core.runnables import Runnable, RunnableConfig, RunnableLambda

from chains.models.usage import UNKNOWN, reported
from chains.schema import Usage
from chains.state import State
from config.errors import ModelError
from config.models import ChatModelSpec

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

TURNS = 8
"""Messages of the history that the model is shown, the last ones; what is older seldom is what a follow-up means."""
TURN_CHARS = 1_500
"""Characters of each; what a longer one has in its middle is left out."""
PREDECESSOR_CHARS = 500
"""Of the question before, where it is searched too: an embedding model reads only so far, and this one comes first."""
MAX_TOKENS = 1_000
"""Room for the reply: for a model that cannot but think, not for the question alone."""

_OWN_TAGS = re.compile(r"<(?=/?(?:conversation|turn|question)\b)", re.IGNORECASE)


def condense(
    chat_model: "Callable[[str], BaseChatModel]", models: Mapping[str, ChatModelSpec]
) -> Runnable[State, State]:
    """Make the step that sets what is searched. It raises ModelError for a call that fails, of all entries."""
    instruction = SystemMessage(files("config").joinpath("condense.md").read_text("utf-8").strip())

    def prepare(state: State) -> Runnable[Any, AIMessage]:
        name = state["entries"].next
        model = chat_model(name).bind(**_options(models[name]))
        return model.with_config(run_name="condenser", tags=["condense"])

    def opened(state: State) -> State:
        return {**state, "entries": state["entries"].at_one_that_opens(chat_model)}

    def step(state: State, config: RunnableConfig) -> State:
        if not _is_follow_up(state):
            return _without_model(state)
        while _can_rewrite(state := opened(state), models):
            try:
                reply = prepare(state).invoke([instruction, _material(state)], config)
            except ModelError as error:
                failure = error
            else:
                return _judge(state, reply, models[state["entries"].next])
            if flaw := _bad_reply(failure):
                return _fall_back(state, flaw, UNKNOWN)
            state = {**state, "entries": state["entries"].without_first(failure)}
        return _without_model(state)

    async def step_async(state: State, config: RunnableConfig) -> State:
        if not _is_follow_up(state):
            return _without_model(state)
        while _can_rewrite(state := opened(state), models):
            try:
                reply = await prepare(state).ainvoke([instruction, _material(state)], config)
            except ModelError as error:
                failure = error
            else:
                return _judge(state, reply, models[state["entries"].next])
            if flaw := _bad_reply(failure):
                return _fall_back(state, flaw, UNKNOWN)
            state = {**state, "entries": state["entries"].without_first(failure)}
        return _without_model(state)

    return RunnableLambda(step, step_async)


def _is_follow_up(state: State) -> bool:
    return state["retrieval"] and bool(_turns(state))


def _can_rewrite(state: State, models: Mapping[str, ChatModelSpec]) -> bool:
    return models[state["entries"].next].provider != "offline"


def _without_model(state: State) -> State:
    return {**state, "search": _after_its_predecessor(state) if state["retrieval"] else ""}


def _after_its_predecessor(state: State) -> str:
    """Put the user's last question before this one: a follow-up often lacks the words of what it is about."""
    said = (message.text.strip() for message in state["chat_history"] if isinstance(message, HumanMessage))
    asked = [text for text in said if text]
    return f"{_shorten(asked[-1], PREDECESSOR_CHARS)}\n{state['question']}" if asked else state["question"]


def _options(spec: ChatModelSpec) -> dict[str, Any]:
    """Give what this call has otherwise than the answer's: short, plain, and as predictable as the model allows."""
    if spec.provider == "langchain":
        return {"stream": False}  # what else a call may say is called otherwise by each provider
    options: dict[str, Any] = {"stream": False, "max_tokens": min(MAX_TOKENS, spec.max_tokens or MAX_TOKENS)}
    if spec.temperature is not None:
        options["temperature"] = 0.0
    if spec.thinking:
        options["extra_body"] = {**spec.extra_body, "thinking": {"type": "disabled"}}
    return options


def _turns(state: State) -> Sequence[BaseMessage]:
    said = [message for message in state["chat_history"] if isinstance(message, HumanMessage | AIMessage)]
    return [message for message in said if message.text.strip()][-TURNS:]


def _material(state: State) -> HumanMessage:
    """Write history and question between tags; tags in them that could end these are made harmless."""
    turns = "\n".join(map(_format_turn, _turns(state)))
    return HumanMessage(
        f"<conversation>\n{turns}\n</conversation>\n\n<question>\n{_shown(state['question'])}\n</question>"
    )


def _format_turn(message: BaseMessage) -> str:
    by = "user" if isinstance(message, HumanMessage) else "assistant"
    return f'<turn by="{by}">\n{_shown(_shorten(message.text, TURN_CHARS))}\n</turn>'


def _shown(text: str) -> str:
    return _OWN_TAGS.sub("&lt;", text.strip())


def _shorten(text: str, limit: int) -> str:
    half = limit // 2
    return text if len(text) <= limit else f"{text[:half]} … {text[-half:]}"


def _judge(state: State, reply: AIMessage, spec: ChatModelSpec) -> State:
    flaw = _flaw(reply, state["question"])
    if flaw:
        return _fall_back(state, flaw, reported(reply, spec))
    return {**state, "search": reply.text.strip(), "spent": [*state["spent"], reported(reply, spec)]}


def _flaw(reply: AIMessage, question: str) -> str:
    """Tell why a reply is not the question in other words; nothing if it may be."""
    text = reply.text.strip()
    if (reason := reply.response_metadata.get("finish_reason")) != "stop":
        return f"it ended with {reason!r}"
    if not text:
        return "it is empty"
    if len(text.splitlines()) > len(question.splitlines()):
        return "it has several lines"
    if len(text) > 400 + 2 * len(question):
        return f"it has {len(text):,} characters"
    return ""


def _bad_reply(failure: ModelError) -> str:
    """Tell what is wrong with a reply that arrived; nothing for every other failure."""
    from chains.models.openai_errors import ChatFailure  # brings in openai, which the failed call already did

    if isinstance(failure, ChatFailure) and failure.kind == "empty":
        return "it is empty"
    if isinstance(failure, ChatFailure) and failure.kind == "incomplete":
        return "it broke off"
    return ""


def _fall_back(state: State, flaw: str, usage: Usage) -> State:
    notice = (
        f"the model's rewriting of the follow-up question was of no use ({flaw}); "
        "it was searched together with the question before it"
    )
    return {
        **state,
        "search": _after_its_predecessor(state),
        "spent": [*state["spent"], usage],
        "notices": [*state["notices"], notice],
    }

"""The whole chain: question -> evidence -> prompt -> chat model -> answer with checked citations."""

from functools import partial
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import Runnable, RunnableConfig, RunnableLambda, RunnablePassthrough

from chains.answers.message import answer_with
from chains.answers.notice import notice_first
from chains.choice import choose
from chains.models.fallback import ask_in_turn
from chains.models.usage import OWN_WORDS
from chains.prompting.condense import condense
from chains.prompting.context import fit, format_context, number
from chains.prompting.prompts import load_prompts, to_template
from chains.resources import Resources
from chains.retrieval.retrieve import from_document
from chains.retrieval.retriever import ChunkRetriever
from chains.retrieval.staleness import mark_stale, stale_notices
from chains.schema import Answer, Question
from chains.text.refusal import in_language_of, question_language
from config.settings import Settings
from store.collection import Store


def build_chain(settings: Settings, store: Store | None = None) -> Runnable[str | Question, Answer]:
    """Compose the chain. Nothing is opened before the first question needs it, unless an open `store` is given.

    Takes a question as text or as `Question`, gives an `Answer`. Each call may switch `llm`, `prompt`, `k`, `mode` and
    `order` by `config={"configurable": {"llm": "openrouter"}}`. Raises ConfigError here for settings that name nothing;
    calls raise what their steps raise, always an AskmdError. A model that fails is an error only before its first word,
    and after the fallbacks; an answer that broke off later says so in `incomplete`.
    """
    return compose(Resources(settings, store))


def compose(resources: Resources) -> Runnable[str | Question, Answer]:
    """Do the same with resources that others may use beside the chain."""
    settings = resources.settings
    prompts = load_prompts(settings.prompts_dir)
    judged = partial(resources.search, judge=True)
    retriever = ChunkRetriever(search=judged, k=settings.k).with_config(run_name="retriever")

    def has_gate(state: Any) -> bool:
        """A prompt that does not tell the modes apart has nothing to say without passages."""
        return state["mode"] == "strict" or (state["mode"] == "labelled" and bool(prompts[state["prompt"]].policies))

    def search(state: Any, config: RunnableConfig) -> Any:
        # a missing key shall be told before anything is searched
        state = {**state, "entries": state["entries"].at_one_that_opens(resources.chat_model)}
        if not state["retrieval"]:
            return {**state, "sources": [], "confidence": None}
        wanted = resources.candidates(state["k"])
        found = retriever.invoke(state["search"], config, k=wanted, filters=state["filter"])
        candidates = [from_document(document) for document in found]
        confidence = (candidates[0]["confidence"] if candidates else None) or 0.0
        alone = not state["chat_history"]  # what is searched for a follow-up may hold words of another question
        if has_gate(state) and alone and confidence < resources.gate_threshold():
            candidates = []
        hits, notices = resources.rerank_or_keep(state["search"], candidates, state["k"])
        return {
            **state,
            "sources": number(fit(hits, settings.budget, resources.count_tokens), state["order"]),
            "confidence": confidence,
            "notices": [*state["notices"], *notices],
        }

    def generate(state: Any) -> Runnable[Any, BaseMessage] | BaseMessage:
        if state["retrieval"] and not state["sources"] and state["mode"] == "strict":
            return AIMessage(state["refusal"], response_metadata={"finish_reason": "stop", "model_provider": OWN_WORDS})
        asked_in = question_language(state["question"])
        template = to_template(prompts[state["prompt"]], state["mode"], asked_in).with_config(run_name="prompt")
        answered = template | ask_in_turn(state["entries"], resources.chat_model, models, resources.tell)
        if state["retrieval"] and not state["sources"] and has_gate(state):
            return notice_first(answered, in_language_of(state["question"]).notice)
        return answered

    models = settings.chat_models()
    first: Runnable[Any, Any] = choose(settings, models, prompts)
    message = RunnableLambda(generate).with_config(run_name="generate")
    return (
        first
        | condense(resources.chat_model, models).with_config(run_name="condense")
        | RunnableLambda(search).with_config(run_name="retrieve")
        | RunnableLambda(_look_at_files).with_config(run_name="staleness")
        | RunnablePassthrough.assign(context=RunnableLambda(_context).with_config(run_name="context"))
        | answer_with(message, models, resources.tell).with_config(run_name="citations")
    ).with_config(run_name="askmd")


def _look_at_files(state: Any) -> Any:
    sources = mark_stale(state["sources"])
    return {**state, "sources": sources, "notices": [*state["notices"], *stale_notices(sources)]}


def _context(state: Any) -> str:
    return format_context(state["sources"])

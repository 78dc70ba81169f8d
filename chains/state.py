"""What travels through the chain."""

from typing import NotRequired, TypedDict

from langchain_core.messages import BaseMessage

from chains.models.entries import Entries
from chains.schema import Evidence, Usage
from config.settings import Mode, Order
from store.filters import Filters


class State(TypedDict):
    """Each step adds its own."""

    question: str
    search: str
    """What the retriever looks for: the question, or what chains/prompting/condense.py makes of a follow-up."""
    chat_history: list[BaseMessage]
    filter: Filters
    llm: str
    entries: Entries
    """Who may be asked: `llm` first, then its fallbacks; see chains/models/entries.py."""
    model: str
    prompt: str
    refusal: str
    retrieval: bool
    k: int
    mode: Mode
    order: Order
    confidence: NotRequired[float | None]
    """How sure it is that the documents answer the question; None where nothing was searched."""
    notices: list[str]
    """What the steps have to tell the reader; each may add to it."""
    spent: list[Usage]
    """What calls of a model before the answer's cost."""
    sources: NotRequired[list[Evidence]]
    context: NotRequired[str]
    message: NotRequired[BaseMessage]

"""What goes into the chain and what comes out, as plain dictionaries that survive JSON."""

from typing import Any, NotRequired, TypedDict

from config.settings import Mode


class Question(TypedDict):
    """A question, what was said before it, and which documents it is put to."""

    question: str
    chat_history: NotRequired[list[Any]]
    """Messages, oldest first: LangChain messages, (role, text) pairs, or {"role", "content"} dictionaries."""
    filter: NotRequired[dict[str, str]]
    """See store/filters.py."""


class Hit(TypedDict):
    """A chunk that was found: `text` is the file's [start:end]."""

    id: str
    root: str
    doc: str
    """The path below its root."""
    path: str
    """Where the file was when it was ingested."""
    start: int
    end: int
    start_line: int
    end_line: int
    headings: list[str]
    slug: str
    text: str
    score: float
    scores: dict[str, float]
    """What each way of searching gave it, before they were fused to `score` (0 to 1)."""
    ranks: dict[str, int]
    """Its place in each, from 1."""
    confidence: float
    """How sure it is that the documents answer the question, 0 to 1: the same for all hits of a question."""
    dated: dict[str, str]
    """What the front matter of its file says about its age: dates and versions, by their keys."""


class Evidence(Hit):
    """A passage that was put before the model under the number `n`."""

    n: int


class Citation(TypedDict):
    """A number in the answer that stands for a passage."""

    n: int
    doc: str
    path: str
    slug: str
    start_line: int
    end_line: int
    count: int
    """How often the answer cites it."""


class Usage(TypedDict):
    """Tokens as the provider reported them; None where it said nothing."""

    input_tokens: int | None
    cached_input_tokens: int | None
    output_tokens: int | None
    reasoning_tokens: int | None


class Answer(TypedDict):
    """What the chain gives. Streamed, it comes in this order: sources, pieces of `answer`, and the rest at the end."""

    question: str
    sources: list[Evidence]
    answer: str
    citations: list[Citation]
    unknown_citations: list[int]
    """Numbers in the answer that stand for no passage: the model made them up."""
    refused: bool
    """The documents do not hold the answer, and the answer says so; it has no citations."""
    own_knowledge: bool
    """The answer is the model's own, not from the documents; unless none were searched, its first line says so."""
    confidence: float | None
    """How sure the search was that the documents hold the answer, 0 to 1; None where nothing was searched."""
    notices: list[str]
    """What the reader should know about how this answer came about, a sentence each."""
    llm: str
    model: str
    prompt: str
    mode: Mode
    finish_reason: str
    usage: Usage

"""What goes into the chain and what comes out, as plain dictionaries that survive JSON."""

from typing import Any, Literal, NotRequired

from pydantic import ConfigDict, with_config
from typing_extensions import TypedDict  # pydantic takes no other one before Python 3.12

from config.settings import Mode


@with_config(ConfigDict(extra="forbid"))
class Question(TypedDict):
    """A question, what was said before it, and which documents it is put to."""

    question: str
    chat_history: NotRequired[list[Any]]
    """Messages, oldest first: LangChain messages, (role, text) pairs, or {"role", "content"} dictionaries."""
    filter: NotRequired[dict[str, str | list[str]]]
    """See store/filters.py."""


class Place(TypedDict):
    """A span of a file: characters [start:end], and the lines that they lie in, from 1."""

    root: str
    doc: str
    """The path below its root."""
    path: str
    """Where the file was when it was ingested."""
    start: int
    end: int
    start_line: int
    end_line: int


class Hit(Place):
    """A passage that was found: `text` is the file's [start:end]."""

    id: str
    file_hash: str
    """Of what the file held when it was ingested; see store/file_hash.py."""
    headings: list[str]
    slug: str
    text: str
    score: float
    """Among the hits of the same question, 0 to 1: what the ways of searching gave it, fused, or the reranker's."""
    scores: dict[str, float]
    """What each way of searching gave it (`dense`, `lexical`, `late`, `english`), and to a reranked hit, `rerank`;
    `fused` is the score that it had before."""
    ranks: dict[str, int]
    """Its place in each, from 1."""
    also_in: list[Place]
    """Where passages stand that would have been given beside this one, and say nothing that it does not."""
    confidence: float | None
    """How sure it is that the documents answer the question, 0 to 1, the same for all hits; None if not asked for."""
    english: str
    """The question's words in English if these were searched for too, the same for all hits; empty if not."""
    dated: dict[str, str]
    """What the front matter of its file says about its age: dates and versions, by their keys."""


Stale = Literal["changed", "gone"]


class Evidence(Hit):
    """A passage that was put before the model under the number `n`."""

    n: int
    stale: NotRequired[Stale]
    """What became of the file since it was ingested; missing where it is the same or cannot be reached from here."""
    line_now: NotRequired[int | None]
    """The line at which the passage begins in a file that changed; None if it does not stand there any more."""


class Quote(TypedDict):
    """What of a passage supports a citation: `text` is the file's [start:end]."""

    text: str
    start: int
    end: int
    start_line: int
    end_line: int


class Citation(TypedDict):
    """A number in the answer that stands for a passage, with the place of the passage."""

    n: int
    source: int
    """The `n` of the passage in `sources`."""
    doc: str
    path: str
    slug: str
    link: str
    """`path#slug`."""
    start_line: int
    end_line: int
    count: int
    """How often the answer cites it."""
    quote: Quote | None
    """The sentence or line that supports best what the number stands behind first; None if they share no word."""


class Excerpt(TypedDict):
    """A stretch of the answer: `text` is answer[start:end]."""

    text: str
    start: int
    end: int


class Usage(TypedDict):
    """Tokens as the provider reported them, and what they cost, of all calls of a model together.

    None is unknown: it was not reported for each call, or the cost of one cannot be told (see chains/models/cost.py).
    """

    calls: int
    """0 where no model was called."""
    input_tokens: int | None
    cached_input_tokens: int | None
    """Those of `input_tokens` that the provider had in its cache."""
    output_tokens: int | None
    reasoning_tokens: int | None
    """Those of `output_tokens` that were thinking."""
    cost: float | None
    """In US dollars."""
    prices_checked: str | None
    """The day of the prices that the cost was computed by, YYYY-MM-DD, the earliest of several; None without any."""


class Answer(TypedDict):
    """What the chain gives.

    Streamed, it comes in this order: `sources`; pieces of `thinking`, if the model shows any; pieces of `answer`,
    together with the passages that they are the first to cite (`cited`); and the rest at the end.
    """

    question: str
    search: str
    """What was searched: the question, or what was made of a follow-up; empty with a prompt without retrieval."""
    sources: list[Evidence]
    """The passages under the numbers that they had in the prompt."""
    thinking: str
    """What the model thought before it answered, as far as it shows that; nothing else of the answer is about it."""
    answer: str
    """The text, or what arrived of it: see `incomplete`.

    Its numbers are not those of the prompt: [1] is the passage that it cites first.
    """
    cited: list[int]
    """The `n` of the passages that [1], [2] and so on stand for."""
    citations: list[Citation]
    """The same in full, in the same order; none if the answer is a refusal."""
    unknown_citations: list[int]
    """Numbers that stand for no passage: the model made them up. The text shows them as [7?]."""
    uncited: list[Excerpt]
    """Sentences that claim something without a citation; see chains/answers/statements.py."""
    unsupported_quotes: list[Excerpt]
    """Quotations that no passage holds in these words, or none of those that their sentence cites."""
    incomplete: str | None
    """Why the text is not the whole answer, in a line; None if it is. What is cut off is never a refusal."""
    refused: bool
    """The documents do not hold the answer, and the answer says so; it has no citations."""
    own_knowledge: bool
    """The answer is the model's own, not from the documents; unless none were searched, its first line says so."""
    confidence: float | None
    """How sure the search was that the documents hold the answer, 0 to 1; None where nothing was searched."""
    notices: list[str]
    """What the reader should know about how this answer came about, a sentence each."""
    llm: str
    """The entry that gave the answer: the chosen one, or a fallback."""
    model: str
    prompt: str
    mode: Mode
    finish_reason: str
    usage: Usage

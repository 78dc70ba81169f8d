"""A chat model without a language model: it quotes the sentences of the evidence that match the question best."""

import html
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from typing_extensions import override

from chains.models.usage import OWN_WORDS
from chains.text.refusal import in_language_of
from chains.text.sentences import sentences
from store.lexical import analyse

PREAMBLE = "No language model was used; these sentences of the documents match the question best:"

_PASSAGE = re.compile(r'<passage n="(\d+)"([^\n]*)>\n(.*?)\n?</passage>', re.DOTALL)
_SECTION = re.compile(r'section="([^"]*)"')
_QUESTION = re.compile(r"<question>\s*(.*?)\s*</question>", re.DOTALL)

_LEAST_SHARE = 0.12
"""Of the question's weight, how much a sentence must hold: below it only words like "the" of any language match."""
_SECTION_WEIGHT = 0.5
_NEXT_BEST = 0.6
"""A second or third sentence is quoted if it reaches this part of the best one's score."""


@dataclass(frozen=True)
class Passage:
    """A numbered piece of evidence, as the prompt shows it."""

    number: int
    section: str
    text: str


@dataclass(frozen=True)
class Quote:
    """A sentence, the number of its passage, and the share of the question's weight that it holds (0 to 1)."""

    text: str
    number: int
    score: float


class OfflineChat(BaseChatModel):
    """Quotes up to three sentences with their [n]; refuses when none matches. Reports no token usage.

    It refuses with exactly `refusal`, or with a sentence in the question's language where that is empty.
    """

    refusal: str = ""

    @property
    def _llm_type(self) -> str:
        return "askmd-offline"

    @override
    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        message = AIMessage(content=self._answer(messages))
        return ChatResult(generations=[ChatGeneration(message=message, generation_info=_END)])

    @override
    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        for word in re.findall(r"\s*\S+|\s+$", self._answer(messages)):
            yield ChatGenerationChunk(message=AIMessageChunk(content=word))
        yield ChatGenerationChunk(message=AIMessageChunk(content=""), generation_info=_END)

    def _answer(self, messages: Sequence[BaseMessage]) -> str:
        question = read_question(messages)
        quotes = best_sentences(question, read_passages(messages))
        if not quotes:
            return self.refusal or in_language_of(question).refusal
        return "\n".join([PREAMBLE, "", *(f"- “{quote.text}” [{quote.number}]" for quote in quotes)])


_END = {"finish_reason": "stop", "model_name": "offline", "model_provider": OWN_WORDS}


def read_passages(messages: Sequence[BaseMessage]) -> list[Passage]:
    """Find the numbered passages in what was sent to the model; its own earlier answers hold no evidence."""
    text = "\n".join(message.text for message in messages if not isinstance(message, AIMessage))
    return [
        Passage(int(number), html.unescape(section[1]) if (section := _SECTION.search(rest)) else "", body)
        for number, rest, body in _PASSAGE.findall(text)
    ]


def read_question(messages: Sequence[BaseMessage]) -> str:
    """Find the question in the last human message: what its <question> tags hold, else all but the passages."""
    last = next((message.text for message in reversed(messages) if isinstance(message, HumanMessage)), "")
    rest = _PASSAGE.sub("", last)
    tagged = _QUESTION.findall(rest)
    return str(tagged[-1]) if tagged else rest.strip()


def best_sentences(question: str, passages: Sequence[Passage], most: int = 3) -> list[Quote]:
    """Rank the sentences by the idf-weighted share of the question's terms that they hold, the best first.

    A term that only the section's breadcrumb holds counts half; of equals the earlier passage wins.
    Gives at most `most` different sentences, none when nothing worth quoting matches.
    """
    asked = set(analyse(question).split())
    candidates = [
        (passage, text, set(analyse(text).split())) for passage in passages for text in sentences(passage.text)
    ]
    found = Counter(term for _, _, held in candidates for term in held)
    weights = {term: math.log(1 + len(candidates) / (found[term] or 1)) for term in asked}
    total = sum(weights.values()) or 1.0

    quotes: dict[str, Quote] = {}
    for passage, text, held in candidates:
        above = asked & set(analyse(passage.section).split()) - held
        score = sum(weights[term] for term in asked & held) + _SECTION_WEIGHT * sum(weights[term] for term in above)
        if score / total >= _LEAST_SHARE and len(held) > 1:
            quotes.setdefault(text, Quote(text, passage.number, score / total))
    ranked = sorted(quotes.values(), key=lambda quote: -quote.score)
    return [quote for quote in ranked[:most] if quote.score >= _NEXT_BEST * ranked[0].score]

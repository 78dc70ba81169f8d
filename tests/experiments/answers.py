"""Answers and records with no more in them than a test is about."""

from typing import Any, cast

from chains.schema import Answer, Usage
from experiments.records import Arm, Record

FREE = Usage(
    calls=1, input_tokens=10, cached_input_tokens=None, output_tokens=5, reasoning_tokens=None, cost=0.001,
    prices_checked=None,
)  # fmt: skip


def answer(text: str, *sources: Any, cited: tuple[int, ...] = (), **more: Any) -> Answer:
    """An answer with the passages [1], [2] ...; `cited` says which of them its numbers stand for, in their order."""
    numbered = [{**source, "n": n} for n, source in enumerate(sources, 1)]
    given = {
        "question": "what?",
        "search": "what?",
        "sources": numbered,
        "thinking": "",
        "answer": text,
        "cited": list(cited),
        "citations": [{"n": n, "source": source, "quote": None} for n, source in enumerate(cited, 1)],
        "unknown_citations": [],
        "uncited": [],
        "unsupported_quotes": [],
        "incomplete": None,
        "refused": False,
        "own_knowledge": False,
        "confidence": None,
        "notices": [],
        "llm": "m",
        "model": "m",
        "prompt": "grounded",
        "mode": "strict",
        "finish_reason": "stop",
        "usage": FREE,
    }
    return cast("Answer", given | more)


def record(arm: str, question: str, repeat: int = 0, error: str | None = None, **measures: float | None) -> Record:
    """A record of an answer, or of a failure."""
    return Record(
        arm=arm,
        question=question,
        repeat=repeat,
        answer=None if error else dict(answer("Yes.")),
        error=error,
        first_token_seconds=0.1,
        seconds=0.2,
        cached=False,
        measures=measures,
    )


def arm(name: str) -> Arm:
    return Arm(name=name, prompt="grounded", llm="m", context="rag")

"""Searches for every question of a file and says how good what was found is."""

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from chains.schema import Hit
from config.errors import ConfigError
from experiments.measuring.refusal import Separation, separate
from experiments.measuring.retrieval_metrics import TokenStarts, measure, need_ranks
from experiments.queries import Query, describe
from experiments.statistics.estimates import Estimate, estimate
from store.filters import Filters
from store.tokens import approximate_token_starts

Find = Callable[[str], Sequence[Hit]]
SLICED_BY = ("lang", "kind")


@dataclass(frozen=True, slots=True)
class QuestionResult:
    """What was found for one question."""

    id: str
    lang: str
    kind: str
    question: str
    metrics: dict[str, float]
    """Empty for a question that the documents do not answer."""
    ranks: list[int | None]
    """For each need of the question the rank, from 1, of the first hit that meets it."""
    top: str
    """The first hit, as path:line; empty where nothing was found."""
    scores: dict[str, float]
    """The best value of each score of a hit."""
    seconds: float

    @property
    def first_rank(self) -> int | None:
        """The rank of the first hit that meets any need."""
        return min((rank for rank in self.ranks if rank is not None), default=None)


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds of a search, the embedding of the question included."""

    p50_ms: float
    p95_ms: float


@dataclass(frozen=True, slots=True)
class Setup:
    """What was searched, and how."""

    store: dict[str, Any]
    """The store's fingerprint."""
    settings: dict[str, Any]
    filters: Filters


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What `askmd eval` writes and reads again. `metrics` and `slices` are over the answerable questions."""

    setup: Setup
    metrics: dict[str, Estimate]
    slices: dict[str, dict[str, dict[str, Estimate]]]
    """"lang" or "kind" -> its value -> metric."""
    refusal: dict[str, Separation]
    """By the name of the score; empty without questions of both kinds."""
    latency: Latency
    questions: list[QuestionResult]

    def to_json(self) -> dict[str, Any]:
        """Give it as plain JSON values."""
        return asdict(self)


def evaluate(
    queries: Iterable[Query],
    find: Find,
    setup: Setup,
    token_starts: TokenStarts = approximate_token_starts,
) -> Evaluation:
    """Search for at least one question. `find` has been warmed up if its first call is not to count.

    `token_starts` decides how much text cover@1500 looks at; the default is the same for every embedding model.
    """
    return summarise([_search(query, find, token_starts) for query in queries], setup)


def _search(query: Query, find: Find, token_starts: TokenStarts) -> QuestionResult:
    started = time.perf_counter()
    hits = find(query.question)
    seconds = time.perf_counter() - started
    return QuestionResult(
        id=query.id,
        lang=query.lang,
        kind=query.kind,
        question=query.question,
        metrics=measure(query, hits, token_starts) if query.needs else {},
        ranks=need_ranks(query, hits),
        top=f"{hits[0]['doc']}:{hits[0]['start_line']}" if hits else "",
        scores=_best_scores(hits),
        seconds=seconds,
    )


def _best_scores(hits: Sequence[Hit]) -> dict[str, float]:
    every = [{**_judged(hit), "score": hit["score"], **hit["scores"]} for hit in hits]
    names = dict.fromkeys(name for scores in every for name in scores)
    return {name: max(scores[name] for scores in every if name in scores) for name in names}


def _judged(hit: Hit) -> dict[str, float]:
    return {} if hit["confidence"] is None else {"confidence": hit["confidence"]}


def summarise(questions: Sequence[QuestionResult], setup: Setup) -> Evaluation:
    """Average over questions, in all and in slices."""
    answerable = [question for question in questions if question.metrics]
    return Evaluation(
        setup=setup,
        metrics=_estimates(answerable),
        slices={name: _sliced(answerable, name) for name in SLICED_BY},
        refusal=_separations(answerable, [question for question in questions if not question.metrics]),
        latency=_latency([question.seconds for question in questions]),
        questions=list(questions),
    )


def _estimates(questions: Sequence[QuestionResult]) -> dict[str, Estimate]:
    names = questions[0].metrics if questions else {}
    return {name: estimate([question.metrics[name] for question in questions]) for name in names}


def _sliced(questions: Sequence[QuestionResult], name: str) -> dict[str, dict[str, Estimate]]:
    """One slice that holds every question would say nothing new."""
    values = sorted({getattr(question, name) for question in questions})
    if len(values) < 2:
        return {}
    return {value: _estimates([q for q in questions if getattr(q, name) == value]) for value in values}


def _separations(answerable: Sequence[QuestionResult], unanswerable: Sequence[QuestionResult]) -> dict[str, Separation]:
    if not answerable or not unanswerable:
        return {}
    names = dict.fromkeys(name for question in [*answerable, *unanswerable] for name in question.scores)
    return {name: separate(_scores(answerable, name), _scores(unanswerable, name)) for name in names}


def _scores(questions: Sequence[QuestionResult], name: str) -> list[float]:
    return [question.scores.get(name, -math.inf) for question in questions]


def confidences(found: Evaluation) -> tuple[list[float], list[float]]:
    """Give how sure the gate is of each answerable and of each unanswerable question; 0 where nothing was found."""
    split: tuple[list[float], list[float]] = ([], [])
    for question in found.questions:
        split[not question.metrics].append(question.scores.get("confidence", 0.0))
    return split


def _latency(seconds: Sequence[float]) -> Latency:
    import numpy as np

    p50, p95 = np.percentile(seconds, [50, 95])
    return Latency(p50_ms=float(p50) * 1000, p95_ms=float(p95) * 1000)


def read_evaluation(path: Path) -> Evaluation:
    """Read what `to_json` gave, from a file. Raises ConfigError for anything else."""
    try:
        return TypeAdapter(Evaluation).validate_json(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from None
    except ValidationError as error:
        raise ConfigError(f"{path} is not a result of askmd eval: {describe(error)}") from None

"""`askmd eval`: a question file through retrieval."""

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from askmd.searching import open_search
from chains.retrieval.calibration import Calibration, note_calibration
from config.errors import ConfigError
from config.settings import Settings
from experiments.measuring.comparison import Comparison, compare
from experiments.measuring.evaluation import Evaluation, Setup, confidences, evaluate, read_evaluation
from experiments.measuring.refusal import calibrate
from experiments.queries import Query, read_queries, require_documents
from experiments.running.reported import reported
from store.filters import Filters
from store.milvus import open_store

DEPTH = 20
"""Hits to look at for a question: enough for 1,500 tokens of most documents."""


@dataclass(frozen=True, slots=True)
class Results:
    """An evaluation; with an earlier one, also what differs."""

    evaluation: Evaluation
    earlier: Evaluation | None
    comparison: Comparison | None
    gate: Calibration | None = None

    def to_json(self) -> dict[str, Any]:
        """Give it as plain JSON values."""
        compared = {"comparison": self.comparison.to_json()} if self.comparison else {}
        calibrated = {"gate": asdict(self.gate)} if self.gate else {}
        return {**self.evaluation.to_json(), **compared, **calibrated}


def evaluate_file(
    settings: Settings, queries: Path, filters: Filters, earlier: Path | None, *, calibrate_gate: bool = False
) -> Results:
    """Search for each question of a file, and compare with an earlier result; calibrate the gate on it if wanted.

    Raises ConfigError for a file that cannot be used, and if the store holds none of the documents that are asked for.
    """
    asked = read_queries(queries)
    old = read_evaluation(earlier) if earlier else None
    new = _evaluate(settings, asked, filters)
    gate = calibrate_store(settings, new) if calibrate_gate else None
    return Results(new, old, compare(old, new) if old else None, gate)


def _evaluate(settings: Settings, queries: Sequence[Query], filters: Filters) -> Evaluation:
    both_kinds = any(not query.needs for query in queries)  # else there is nothing that a confidence could tell apart
    with open_search(settings, filters, judge=both_kinds) as search:
        require_documents(queries, search.store.docs())
        search.find_or_fail(queries[0].question)  # the models load with the first search, which must not count
        setup = Setup(json.loads(search.store.fingerprint.to_json()), reported(settings), dict(filters))
        return evaluate(_shown(queries), search.find_or_fail, setup)


def calibrate_store(settings: Settings, found: Evaluation) -> Calibration:
    """Choose the gate's threshold on an evaluation and note it with the collection that was evaluated.

    Raises ConfigError unless the evaluation has questions of both kinds.
    """
    answerable, unanswerable = confidences(found)
    if not answerable or not unanswerable:
        raise ConfigError(
            "calibrating needs questions of both kinds, those that the documents answer and those that they do not "
            f'("relevant": []); the file holds {len(answerable)} and {len(unanswerable)}'
        )
    threshold = calibrate(answerable, unanswerable).value
    calibration = Calibration(
        threshold=threshold,
        answerable=len(answerable),
        unanswerable=len(unanswerable),
        refused_answerable=sum(value < threshold for value in answerable),
        refused_unanswerable=sum(value < threshold for value in unanswerable),
    )
    with open_store(settings) as store:
        note_calibration(store, calibration)
    return calibration


def _shown(queries: Sequence[Query]) -> Iterable[Query]:
    console = Console(stderr=True)
    return track(queries, "searching", console=console, transient=True, disable=not sys.stderr.isatty())

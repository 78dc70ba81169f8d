"""A run as a table: a row for each call."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.metrics import METRICS
from experiments.results import Results

if TYPE_CHECKING:
    from pandas import DataFrame


def rows(results: Results) -> list[dict[str, Any]]:
    """Give a row for each call, in the order of questions, arms and repeats; a measure without a value is None."""
    queries = {query.id: query for query in results.queries}
    arms = {arm.name: arm for arm in results.arms}
    order = {name: place for place, name in enumerate([*queries, *arms])}
    records = sorted(results.records, key=lambda record: (order[record.question], order[record.arm], record.repeat))
    return [
        {
            "arm": record.arm,
            "prompt": arms[record.arm].prompt,
            "llm": arms[record.arm].llm,
            "context": arms[record.arm].context,
            "question": record.question,
            "kind": queries[record.question].kind,
            "lang": queries[record.question].lang,
            "repeat": record.repeat,
            "asked": queries[record.question].question,
            "answer": record.answer["answer"] if record.answer else None,
            "refused": record.answer["refused"] if record.answer else None,
            "error": record.error,
            "cached": record.cached,
            **{metric.name: record.measures.get(metric.name) for metric in METRICS},
        }
        for record in records
    ]


def to_frame(results: Results) -> "DataFrame":
    """Give the rows as a pandas table."""
    import pandas as pd

    return pd.DataFrame(rows(results))


def write_csv(results: Results, path: Path) -> None:
    """Write the rows as CSV. Raises OSError."""
    to_frame(results).to_csv(path, index=False)

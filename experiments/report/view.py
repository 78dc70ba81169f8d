"""A run as what the page shows: plain values, and HTML where a text is rendered. Pure."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from chains.schema import Answer, Evidence
from experiments.measuring.relevance import overlap
from experiments.metrics import Metric, find_metric
from experiments.queries import Query
from experiments.records import Record
from experiments.report.marking import Span, mark_changes, mark_spans, render_answer
from experiments.results import Results
from experiments.statistics.analysis import Analysis, ArmDifference, ArmSummary
from experiments.statistics.estimates import Estimate
from experiments.statistics.paired import amount

QUALITY = ("correctness", "token_f1", "chrf", "answered", "citation_precision", "mrr@10")
"""What quality is plotted by: the first of which there is a value."""
PLOTTED = 5


def summary_rows(analysis: Analysis) -> list[dict[str, Any]]:
    """Give a row for each arm with a cell for each metric; cells say how good they are among the arms, 0 to 1."""
    return [
        {
            "arm": arm.arm,
            "calls": arm.calls,
            "failures": arm.failures,
            "cells": [_cell(metric, arm, analysis.arms) for metric in analysis.metrics],
        }
        for arm in analysis.arms
    ]


def _cell(metric: Metric, arm: ArmSummary, arms: Sequence[ArmSummary]) -> dict[str, Any]:
    found = arm.means.get(metric.name)
    if found is None:
        return {"text": "–", "interval": "", "value": "", "heat": None, "best": False}
    means = [each.means[metric.name].mean for each in arms if metric.name in each.means]
    lowest, highest = min(means), max(means)
    place = (found.mean - lowest) / (highest - lowest) if highest > lowest else 0.5
    heat = place if metric.better == "more" else 1 - place
    return {
        "text": amount(metric, found.mean),
        "interval": interval(metric, found),
        "value": found.mean,
        "heat": round(heat * 100) if highest > lowest else None,
        "best": len(means) > 1 and highest > lowest and heat == 1,
    }


def interval(metric: Metric, found: Estimate) -> str:
    """Write an interval; a single value has none."""
    if found.low is None or found.high is None:
        return f"of {found.n}"
    return f"{amount(metric, found.low)} – {amount(metric, found.high)}"


def difference_rows(analysis: Analysis) -> list[dict[str, Any]]:
    """Give every difference: those that show something first, and of these quality before cost and time."""
    rows = []
    for each in sorted(analysis.differences, key=_weight):
        metric = find_metric(each.metric)
        if metric is None:
            continue
        sign = "+" if each.found.mean > 0 else "−" if each.found.mean < 0 else ""
        rows.append(
            {
                "metric": metric.title,
                "old": each.old,
                "new": each.new,
                "difference": sign + amount(metric, abs(each.found.mean)),
                "p": f"{each.found.p:.3f}" if each.found.p >= 0.001 else "< 0.001",
                "n": each.found.n,
                "sentence": each.sentence,
                "shown": each.found.shown,
            }
        )
    return rows


def _weight(each: ArmDifference) -> tuple[bool, bool, float]:
    metric = find_metric(each.metric)
    return not each.found.shown, metric is None or metric.unit != "share", each.found.p


def slice_tables(analysis: Analysis) -> list[dict[str, Any]]:
    """Give a table for each way of slicing: a row a value, a column an arm, by the metric of quality."""
    metric = quality(analysis)
    if metric is None:
        return []
    tables = []
    for by in dict.fromkeys(each.by for each in analysis.slices):
        rows = [
            {
                "value": each.value or "none",
                "questions": each.questions,
                "cells": [
                    amount(metric, each.means[arm.arm][metric.name].mean)
                    if metric.name in each.means.get(arm.arm, {})
                    else "–"
                    for arm in analysis.arms
                ],
            }
            for each in analysis.slices
            if each.by == by
        ]
        tables.append({"by": {"kind": "kind", "lang": "language"}[by], "metric": metric.title, "rows": rows})
    return tables


def quality(analysis: Analysis) -> Metric | None:
    """Give the metric that stands for quality in this run."""
    known = {metric.name: metric for metric in analysis.metrics}
    return next((known[name] for name in QUALITY if name in known), None)


def plotted(analysis: Analysis) -> list[Metric]:
    """Give the metrics whose intervals are plotted: those that arms are compared by and that most arms have."""
    wanted = [metric for metric in analysis.metrics if metric.compared and metric.unit == "share"]
    wanted.sort(key=lambda metric: -sum(metric.name in arm.means for arm in analysis.arms))
    chosen = wanted[:PLOTTED]
    return [metric for metric in analysis.metrics if metric in chosen]


def question_cards(results: Results) -> Iterator[dict[str, Any]]:
    """Give each question that was asked, with the answers of all arms side by side."""
    by_question: defaultdict[str, list[Record]] = defaultdict(list)
    order = {arm.name: place for place, arm in enumerate(results.arms)}
    for record in sorted(results.records, key=lambda record: (order[record.arm], record.repeat)):
        by_question[record.question].append(record)
    for place, query in enumerate(results.queries):
        if records := by_question[query.id]:
            yield _card(place, query, records, repeated=results.repeats > 1)


def _card(place: int, query: Query, records: Sequence[Record], *, repeated: bool) -> dict[str, Any]:
    passages: dict[str, dict[str, Any]] = {}
    first = next((record.answer["answer"] for record in records if record.answer), "")
    answers = [_answer(f"q{place}", query, record, passages, first, repeated=repeated) for record in records]
    return {
        "anchor": f"q{place}",
        "query": query,
        "answerable": bool(query.needs),
        "gold": [{"doc": passage.doc, "text": passage.excerpt} for need in query.needs for passage in need[:1]],
        "answers": answers,
        "passages": list(passages.values()),
        "data": [
            {"arm": each["arm"], "outcome": each["outcome"], "measures": _known(record.measures)}
            for each, record in zip(answers, records, strict=True)
        ],
    }


def _known(measures: Mapping[str, float | None]) -> dict[str, float]:
    return {name: round(value, 6) for name, value in measures.items() if value is not None}


def outcome(record: Record) -> str:
    """Say how a call ended: `answered`, `refused`, `incomplete` or `failed`."""
    if record.answer is None:
        return "incomplete" if (record.error or "").startswith("the answer is incomplete") else "failed"
    return "refused" if record.answer["refused"] else "answered"


def _answer(  # noqa: PLR0913 - all of it goes into one block of the page
    anchor: str, query: Query, record: Record, passages: dict[str, dict[str, Any]], first: str, *, repeated: bool
) -> dict[str, Any]:
    shown = {
        "arm": record.arm,
        "title": f"{record.arm} · repeat {record.repeat + 1}" if repeated else record.arm,
        "outcome": outcome(record),
        "error": record.error,
        "cached": record.cached,
        "judge": record.judge,
        "measures": [
            (metric.title, amount(metric, value))
            for name, value in record.measures.items()
            if value is not None and (metric := find_metric(name))
        ],
    }
    if record.answer is None:
        return shown
    answer = cast("Answer", record.answer)
    anchors = {}
    for citation in answer["citations"]:
        source = next((each for each in answer["sources"] if each["n"] == citation["source"]), None)
        if source is not None:
            anchors[citation["n"]] = _passage(anchor, query, source, passages, citation["quote"])
    return shown | {
        "html": render_answer(answer["answer"], anchors),
        "changes": mark_changes(first, answer["answer"]) if answer["answer"] != first else "",
        "uncited": [excerpt["text"] for excerpt in answer["uncited"]],
        "unsupported": [excerpt["text"] for excerpt in answer["unsupported_quotes"]],
        "sources": [
            {
                "place": f"{source['doc']}:{source['start_line']}",
                "headings": " › ".join(source["headings"]),
                "gold": bool(_gold(query, source)),
            }
            for source in answer["sources"]
        ],
    }


def _passage(anchor: str, query: Query, source: Evidence, passages: dict[str, dict[str, Any]], quote: Any) -> str:
    """Note a passage that is cited, once for all arms, and give the name that leads to it."""
    key = f"{anchor}-{source['doc']}-{source['start']}-{source['end']}"
    known = passages.setdefault(
        key,
        {
            "anchor": f"{anchor}-p{len(passages) + 1}",
            "place": f"{source['doc']}:{source['start_line']}–{source['end_line']}",
            "headings": " › ".join(source["headings"]),
            "text": source["text"],
            "spans": _gold(query, source),
        },
    )
    if quote:
        known["spans"].append((quote["start"] - source["start"], quote["end"] - source["start"], "quote"))
    known["html"] = mark_spans(known["text"], known["spans"])
    name: str = known["anchor"]
    return name


def _gold(query: Query, source: Evidence) -> list[Span]:
    spans: list[Span] = []
    for need in query.needs:
        for passage in need:
            found = overlap(source, passage)
            if found:
                shared = passage.excerpt[found.start : found.stop]
                start = (
                    source["text"].find(shared)
                    if passage.start is None
                    else (passage.start + found.start - source["start"])
                )
                spans.append((start, start + len(shared), "gold"))
    return spans

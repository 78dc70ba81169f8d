"""What `askmd eval` shows on the terminal."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import typer

from askmd.evaluating import Results
from askmd.inspecting import describe_gate, print_table
from experiments.measuring.comparison import Comparison, sentence
from experiments.measuring.evaluation import Evaluation, QuestionResult
from experiments.statistics.estimates import Difference, Estimate


def print_results(results: Results, *, per_question: bool) -> None:
    """Show an evaluation, its questions if wanted, and what differs from the earlier one."""
    _print_evaluation(results.evaluation)
    if per_question:
        _print_questions(results.evaluation.questions)
    if results.gate:
        typer.echo(f"\n{describe_gate(asdict(results.gate))}\nkept with the collection")
    if results.earlier and results.comparison:
        _print_comparison(results.comparison, results.earlier, results.evaluation)


def _print_evaluation(found: Evaluation) -> None:
    """Show the means with their intervals, slices, refusal and latency."""
    answerable = sum(1 for question in found.questions if question.metrics)
    typer.echo(
        f"{answerable} answerable and {len(found.questions) - answerable} unanswerable questions, "
        f"{found.setup.settings['k']} hits each"
    )
    if found.metrics:
        typer.echo("")
        print_table([{"metric": name, **_columns(value)} for name, value in found.metrics.items()])
    for name, slices in found.slices.items():
        if slices:
            typer.echo("")
            print_table([_slice_row(name, value, metrics) for value, metrics in slices.items()])
    if found.refusal:
        typer.echo("")
        print_table(_refusal_rows(found))
    typer.echo(f"\nlatency of a search: p50 {found.latency.p50_ms:.1f} ms, p95 {found.latency.p95_ms:.1f} ms")


def _columns(value: Estimate) -> dict[str, str]:
    interval = "" if value.low is None or value.high is None else f"[{value.low:.2f}, {value.high:.2f}]"
    return {"mean": f"{value.mean:.2f}", "95% interval": interval}


def _slice_row(name: str, value: str, metrics: Mapping[str, Estimate]) -> dict[str, str]:
    means = {metric: f"{estimate.mean:.2f}" for metric, estimate in metrics.items()}
    return {name: value or "-", "questions": str(next(iter(metrics.values())).n), **means}


def _refusal_rows(found: Evaluation) -> list[dict[str, str]]:
    return [
        {
            "refusal by": name,
            "AUROC": _columns(separation.auroc)["mean"],
            "95% interval": _columns(separation.auroc)["95% interval"],
            "safe below": f"{separation.safe.value:.3f}" if separation.safe else "-",
            "refuses": f"{separation.safe.recall:.2f}" if separation.safe else "-",
        }
        for name, separation in found.refusal.items()
    ]


def _print_questions(questions: Sequence[QuestionResult]) -> None:
    """Show every question: those that found nothing first, the unanswerable ones last."""
    typer.echo("")
    print_table([_question_row(question) for question in sorted(questions, key=_worst_first)])


def _worst_first(question: QuestionResult) -> tuple[bool, float, float]:
    return not question.metrics, question.metrics.get("ndcg@10", 0), -(question.first_rank or math.inf)


def _question_row(question: QuestionResult) -> dict[str, str]:
    ranks = ",".join("-" if rank is None else str(rank) for rank in question.ranks)
    return {
        "rank": ranks if question.metrics else "no answer",
        "id": question.id,
        "first hit": question.top or "nothing",
        "question": " ".join(question.question.split()),
    }


def _print_comparison(found: Comparison, old: Evaluation, new: Evaluation) -> None:
    """Show what was changed, the differences, and what they permit to say."""
    left_out = f"; {found.unpaired} in one alone" if found.unpaired else ""
    typer.echo(f"\ncompared over {found.paired} answerable questions in both{left_out}")
    for name, (before, after) in _changes(old, new).items():
        typer.echo(f"{name}: {before} -> {after}")
    typer.echo("")
    print_table([_difference_row(name, value) for name, value in found.differences.items()])
    typer.echo("")
    for name, value in found.differences.items():
        typer.echo(sentence(name, value))


def _changes(old: Evaluation, new: Evaluation) -> dict[str, tuple[Any, Any]]:
    before, after = ({**side.setup.store, **side.setup.settings} for side in (old, new))
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return {name: (before.get(name), after.get(name)) for name in names}


def _difference_row(name: str, value: Difference) -> dict[str, str]:
    return {
        "metric": name,
        "new - old": f"{value.mean:+.2f}",
        "95% interval": "" if value.low is None or value.high is None else f"[{value.low:+.2f}, {value.high:+.2f}]",
        "p": f"{value.p:.3f}",
    }

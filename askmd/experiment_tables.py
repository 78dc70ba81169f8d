"""What `askmd experiment` shows on the terminal."""

import sys
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from experiments.metrics import METRICS, Metric
from experiments.running.plan import Plan
from experiments.statistics.analysis import Analysis
from experiments.statistics.estimates import Estimate
from experiments.statistics.paired import amount

COLUMNS = (
    "correctness", "token_f1", "key_facts", "answered", "refused", "cover@1500", "citation_precision",
    "cited_statements", "cost", "first_token_seconds", "seconds",
)  # fmt: skip
"""What the table shows; the report has all."""


def print_plan(planned: Plan) -> None:
    """Say what will be asked, on standard error."""
    for arm in planned.arms:
        cost = "cost unknown: the entry states no price" if arm.cost is None else f"about ${arm.cost:.4f}"
        typer.echo(
            f"{arm.arm}: {arm.calls} calls, about {arm.input_tokens:,} tokens in and {arm.output_tokens:,} out, {cost}",
            err=True,
        )
    done = f"; {planned.done} were made before" if planned.done else ""
    judged = f", and {planned.judged} of the judge" if planned.judged else ""
    total = "unknown" if planned.cost is None else f"${planned.cost:.4f} at most without a cache"
    typer.echo(f"{planned.calls} calls{judged}{done}; cost: {total}", err=True)


def print_analysis(analysis: Analysis, folder: Path) -> None:
    """Print a row for each arm, then what the differences permit to say."""
    shown = [metric for metric in METRICS if metric.name in COLUMNS and metric in analysis.metrics]
    table = Table(box=None, pad_edge=False)
    table.add_column("arm", overflow="fold")
    table.add_column("calls", justify="right")
    for metric in shown:
        table.add_column(metric.name, justify="right")
    for arm in analysis.arms:
        failed = f" ({arm.failures} failed)" if arm.failures else ""
        cells = [_cell(metric, arm.means.get(metric.name)) for metric in shown]
        table.add_row(arm.arm, f"{arm.calls}{failed}", *cells)
    Console(file=sys.stdout, width=None if sys.stdout.isatty() else 500).print(table)
    typer.echo("")
    for each in analysis.differences:
        if each.found.shown:
            typer.echo(f"{each.metric}: {each.sentence}")
    silent = sum(not each.found.shown for each in analysis.differences)
    if silent:
        typer.echo(f"{silent} comparisons show no difference; the report says what would be needed")
    for preferred in analysis.preferred:
        typer.echo(f"{preferred.sentence} (p {preferred.p:.3f}, not corrected)")
    if analysis.unread:
        typer.echo(f"{analysis.unread} replies of the judge could not be read, or did not come: they count for nothing")
    typer.echo(f"\n{folder / 'report.html'}")


def _cell(metric: Metric, found: Estimate | None) -> str:
    if found is None:
        return "-"
    if found.low is None or found.high is None:
        return amount(metric, found.mean)
    return f"{amount(metric, found.mean)} [{amount(metric, found.low)}, {amount(metric, found.high)}]"

"""`askmd experiment`: from the spec to the report, and two runs against each other."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from askmd.experiment_tables import print_plan
from config.errors import ConfigError
from config.settings import Settings
from experiments.export import FORMS
from experiments.records import Record
from experiments.results import Results
from experiments.run import Ended, Experiment, plan, prepare, run
from experiments.running.run_folder import RunFolder
from experiments.spec import read_spec
from experiments.statistics.analysis import Analysis, analyse
from experiments.statistics.run_comparison import RunDifference, compare_runs

REPORT, TABLE = "report.html", "results.csv"
_NEEDED = ("filelock", "jinja2", "matplotlib", "pandas", "sacrebleu")


@dataclass(frozen=True, slots=True)
class Choices:
    """How a run is made, apart from its spec."""

    out: Path | None = None
    limit: int | None = None
    max_cost: float | None = None
    use_cache: bool = True
    retry_failed: bool = False
    export: str | None = None
    yes: bool = False


def require_extra() -> None:
    """Raise ConfigError, in one line, where the extra is not installed."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise ConfigError(f"askmd experiment needs {missing[0]}; install it: pip install --editable '.[experiments]'")


def run_spec(settings: Settings, spec: Path, choices: Choices) -> tuple[Results, Analysis, Path]:
    """Show the plan, run what is left of it, write the report. Raises ConfigError if the user says no to the plan."""
    require_extra()
    if choices.export and choices.export not in FORMS:
        raise ConfigError(f"no export is called {choices.export!r}; known: {', '.join(FORMS)}")
    experiment = prepare(read_spec(spec), settings, choices.out, choices.limit)
    planned = plan(experiment, retry_failed=choices.retry_failed)
    print_plan(planned)
    if planned.cost != 0 and not choices.yes and not (sys.stdin.isatty() and typer.confirm("Go on?", err=True)):
        raise ConfigError("nothing was asked: this costs something; say --yes to go on without a question")
    with _progress(planned.calls) as ended:
        results = run(
            experiment,
            max_cost=choices.max_cost,
            use_cache=choices.use_cache,
            retry_failed=choices.retry_failed,
            ended=ended,
        )
    analysis = write_report(results, experiment.folder.path)
    if choices.export:
        _export(experiment, choices.export)
    return results, analysis, experiment.folder.path


def write_report(results: Results, folder: Path) -> Analysis:
    """Write report and table into a run's folder. Raises ConfigError where they cannot be written."""
    from experiments.report.page import write_report as write_page
    from experiments.table import write_csv

    analysis = analyse(results)
    try:
        write_csv(results, folder / TABLE)
        write_page(results, analysis, folder / REPORT)
    except OSError as error:
        raise ConfigError(f"cannot write the report: {error}") from None
    return analysis


def report_again(folder: Path) -> Path:
    """Write the report of a run anew. Raises ConfigError for a folder that holds none."""
    require_extra()
    write_report(_existing(folder).results(), folder)
    return folder / REPORT


def compare(first: Path, second: Path, *, margin: float, metric: str | None, arm: str | None) -> list[RunDifference]:
    """Compare two runs. Raises ConfigError where there is nothing to compare."""
    require_extra()
    return compare_runs(_existing(first).results(), _existing(second).results(), margin=margin, metric=metric, arm=arm)


def print_comparison(differences: list[RunDifference], margin: float) -> None:
    """Print a line for each metric; those that are worse are marked."""
    for each in differences:
        typer.echo(f"{'WORSE' if each.worse else 'ok   '}  {each.metric}: {each.sentence}")
    worse = sum(each.worse for each in differences)
    typer.echo(f"{worse} of {len(differences)} shown to be worse by more than {margin:g}")


def to_json(results: Results, analysis: Analysis, folder: Path) -> dict[str, Any]:
    """Give what was found as plain JSON values; the single calls stand in results.jsonl."""
    return {
        "name": results.name,
        "folder": str(folder),
        "arms": [asdict(arm) for arm in analysis.arms],
        "differences": [asdict(each) for each in analysis.differences],
        "slices": [asdict(each) for each in analysis.slices],
    }


def _existing(path: Path) -> RunFolder:
    if not path.is_dir():
        raise ConfigError(f"{path} is no folder of a run")
    return RunFolder(path)


def _export(experiment: Experiment, form: str) -> None:
    name, write = FORMS[form]
    (experiment.folder.path / name).write_text(write(experiment.queries), "utf-8")


@contextmanager
def _progress(calls: int) -> Iterator[Ended]:
    failed = 0
    with Progress(
        TextColumn("asking"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[failed]}"),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    ) as bar:
        task = bar.add_task("asking", total=calls, failed="")

        def ended(record: Record) -> None:
            nonlocal failed
            failed += record.answer is None
            bar.update(task, advance=1, failed=f"{failed} failed" if failed else "")

        yield ended

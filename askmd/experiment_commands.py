"""The commands of `askmd experiment`. Heavy imports happen inside them."""

from pathlib import Path
from typing import Annotated

import typer

from askmd.options import Json, chosen_settings, print_json

experiment = typer.Typer(help="Compare prompts, models and retrieval over a file of questions.")


@experiment.command("run")
def experiment_run(
    spec: Annotated[Path, typer.Argument(metavar="SPEC.toml", help="What is asked, and whom.", show_default=False)],
    out: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Where results go; else runs/NAME.")] = None,
    limit: Annotated[int | None, typer.Option(metavar="N", min=1, help="Ask the first N questions only.")] = None,
    max_cost: Annotated[
        float | None, typer.Option(metavar="DOLLARS", help="Begin no further call once so much is spent.")
    ] = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Ask the model also what it was asked before.")] = False,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Make calls that failed again.")] = False,
    export: Annotated[
        str | None, typer.Option(metavar="langsmith|promptfoo", help="Write the questions in this form too.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before calls that cost something.")] = False,
    as_json: Json = False,
) -> int:
    """Ask every arm of an experiment every question, measure the answers, write a report."""
    from askmd.experiment_tables import print_analysis
    from askmd.experimenting import Choices, run_spec, to_json

    choices = Choices(
        out=out,
        limit=limit,
        max_cost=max_cost,
        use_cache=not no_cache,
        retry_failed=retry_failed,
        export=export,
        yes=yes,
    )
    results, analysis, folder = run_spec(chosen_settings(), spec, choices)
    print_json(to_json(results, analysis, folder)) if as_json else print_analysis(analysis, folder)
    return 0


@experiment.command("compare")
def experiment_compare(
    first: Annotated[Path, typer.Argument(metavar="RUN_A", help="The run to compare with.", show_default=False)],
    second: Annotated[Path, typer.Argument(metavar="RUN_B", help="The run that is judged.", show_default=False)],
    metric: Annotated[str | None, typer.Option(metavar="NAME", help="Judge by this one; else by all shares.")] = None,
    margin: Annotated[float, typer.Option(metavar="X", min=0, help="Losses up to this are borne.")] = 0.02,
    arm: Annotated[str | None, typer.Option(metavar="NAME", help="Compare this arm only.")] = None,
    as_json: Json = False,
) -> int:
    """Say whether RUN_B is worse than RUN_A; if it is, end with status 1."""
    from dataclasses import asdict

    from askmd.experimenting import compare, print_comparison

    differences = compare(first, second, margin=margin, metric=metric, arm=arm)
    if as_json:
        print_json({"differences": [asdict(each) for each in differences]})
    else:
        print_comparison(differences, margin)
    return 1 if any(each.worse for each in differences) else 0


@experiment.command("report")
def experiment_report(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run.", show_default=False)],
    as_json: Json = False,
) -> int:
    """Write the report of a run anew."""
    from askmd.experimenting import report_again

    report = report_again(folder)
    print_json({"report": str(report)}) if as_json else typer.echo(str(report))
    return 0

"""The report: one HTML file that needs nothing else."""

import base64
import hashlib
import json
from importlib.resources import files
from pathlib import Path

from experiments.report.plots import cost_against, intervals, latency
from experiments.report.view import (
    difference_rows,
    plotted,
    quality,
    question_cards,
    slice_tables,
    summary_rows,
)
from experiments.results import Results
from experiments.statistics.analysis import Analysis


def write_report(results: Results, analysis: Analysis, path: Path) -> None:
    """Write the file; the same run gives the same bytes. Raises OSError."""
    path.write_text(render(results, analysis), "utf-8")


def render(results: Results, analysis: Analysis) -> str:
    """Give the page. Its policy (CSP) lets nothing be loaded, and no script run but its own."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("experiments.report", "template"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    script = _read("report.js")
    metric = quality(analysis)
    cards = list(question_cards(results))
    data = {card["anchor"]: card["data"] for card in cards}
    return environment.get_template("report.html").render(
        results=results,
        analysis=analysis,
        style=Markup(_read("report.css")),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own file
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        summary=summary_rows(analysis),
        differences=difference_rows(analysis),
        slices=slice_tables(analysis),
        plots={
            "intervals": intervals(analysis, plotted(analysis)),
            "cost": cost_against(analysis, metric) if metric else None,
            "latency": latency(analysis),
        },
        quality=metric.name if metric else "",
        cards=cards,
        data=Markup(_json(data)),  # noqa: S704 - nothing in it can end the element
        provenance=json.dumps(
            {key: results.run[key] for key in ("spec", "settings", "versions", "models") if key in results.run},
            indent=1,
            ensure_ascii=False,
        ),
        prompts=results.run.get("prompts", {}),
    )


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False).replace("<", "\\u003c")


def _read(name: str) -> str:
    return files("experiments.report").joinpath("template", name).read_text("utf-8")

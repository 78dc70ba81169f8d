"""What several commands have in common: options, the settings that these choose, JSON as output."""

import json
from typing import Annotated, Any

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Location = Annotated[
    str,
    typer.Argument(metavar="PATH", help="A folder of Markdown, or one file; or an address: s3://…", show_default=False),
]
Question = Annotated[str, typer.Argument(metavar="QUESTION", help="What you want to know.", show_default=False)]
K = Annotated[int | None, typer.Option("--k", metavar="N", help="Passages to retrieve.", show_default=False)]
Rerank = Annotated[str | None, typer.Option("--rerank", metavar="NAME", help="Reranker, by name.", show_default=False)]
Filter = Annotated[
    list[str] | None,
    typer.Option(
        "--filter",
        metavar="KEY=VALUE",
        help="Search only there: root, path (a glob), heading, or a key of front matter.",
        show_default=False,
    ),
]
Budget = Annotated[
    int | None, typer.Option("--budget", metavar="N", help="Tokens of passages, at most.", show_default=False)
]


def chosen_settings(**choices: Any) -> Any:
    """Give the settings, with what the command line chose in their place."""
    from config.settings import Settings

    return Settings(**chosen(**choices))


def chosen(**choices: Any) -> dict[str, Any]:
    """Leave out what the command line did not say, which is None."""
    return {name: value for name, value in choices.items() if value is not None}


def print_json(value: Any) -> None:
    """Print JSON for machines, on one line."""
    typer.echo(json.dumps(value, ensure_ascii=False))

"""What else there is to say, beside what a command gives."""

from collections.abc import Iterable

import typer


def print_notices(notices: Iterable[str]) -> None:
    """Show each on standard error."""
    for notice in notices:
        typer.echo(f"note: {notice}", err=True)

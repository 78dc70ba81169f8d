"""What the model thinks, shown as it comes."""

import os
from collections.abc import Iterator
from typing import Any

import typer


def show_thinking(pieces: Iterator[Any]) -> Iterator[Any]:
    """Pass the pieces of an answer on, and print the thinking that they hold on standard error.

    It stands under a heading, and is dim where the terminal has colour. Standard output is left to the answer.
    """
    thinking = False
    try:
        for piece in pieces:
            thought = piece.get("thinking")
            if thought and not thinking:
                typer.echo("Thinking:", err=True)
                thinking = True
            if thought:
                _print_dim(thought)
            elif thinking and piece.get("answer"):
                typer.echo("\n\nAnswer:", err=True)
                thinking = False
            yield piece
    finally:
        if thinking:
            typer.echo("", err=True)


def _print_dim(text: str) -> None:
    typer.echo(typer.style(text, dim=True), nl=False, err=True, color=False if os.environ.get("NO_COLOR") else None)

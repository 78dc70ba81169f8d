"""`askmd ask`: the answer as it comes, then where it comes from."""

from collections.abc import Sequence

import typer

from askmd.places import other_places, place
from chains.rag import build_chain
from chains.schema import Answer, Evidence, Question
from config.settings import Settings


def answer(settings: Settings, question: Question) -> Answer:
    """Give the whole answer."""
    return build_chain(settings).invoke(question)


def stream_answer(settings: Settings, question: Question) -> None:
    """Print the answer while it arrives, then its sources; also those of an answer that fails on the way."""
    sources: Sequence[Evidence] = ()
    unknown: Sequence[int] = ()
    notices: Sequence[str] = ()
    try:
        for piece in build_chain(settings).stream(question):
            sources = piece.get("sources", sources)
            unknown = piece.get("unknown_citations", unknown)
            notices = piece.get("notices", notices)
            typer.echo(piece.get("answer", ""), nl=False)
        if not sources:
            typer.echo("")
    finally:
        _print_sources(sources)
    for notice in notices:
        typer.echo(f"note: {notice}", err=True)
    if unknown:
        numbers = ", ".join(f"[{n}]" for n in unknown)
        typer.echo(f"warning: the answer cites {numbers}, which is no source", err=True)


def _print_sources(sources: Sequence[Evidence]) -> None:
    if not sources:
        return
    typer.echo("\n\nSources:")
    for source in sources:
        typer.echo(f"  [{source['n']}] {place(source)}  {' › '.join(source['headings'])}{other_places(source)}")

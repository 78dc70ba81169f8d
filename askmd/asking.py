"""`askmd ask`: the answer as it comes, then where it comes from, then what is to be said about it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import Any

import typer

from askmd.costs import usage_line
from askmd.notices import print_notices
from askmd.places import line_now, other_places, place, what_became_of
from askmd.searching import scores_of
from askmd.thinking import show_thinking
from chains.answers.quotations import plain
from chains.rag import compose
from chains.resources import Resources
from chains.schema import Citation, Evidence, Excerpt, Question
from config.errors import AskmdError, ModelError
from config.settings import Settings

_LONGEST = 100


def show_answer(settings: Settings, question: Question, show: Callable[[Mapping[str, Any]], None]) -> None:
    """Show the fields of the answer; those of one that fails as far as they are known, with the `error`.

    Raises ModelError where the answer is not whole.
    """
    given: Any = {}
    try:
        for piece in _answer(settings, question):
            given = piece if not given else given + piece
    except AskmdError as error:
        if given:
            show({**given, "error": str(error)})
        raise
    show(given)
    _require_whole(given)


def stream_answer(settings: Settings, question: Question, *, explain: bool = False, thinking: bool = False) -> None:
    """Print the answer while it arrives, then its sources; also those of an answer that fails on the way.

    `thinking` also prints what the model thinks before it answers. Raises ModelError where the answer is not whole,
    when all is printed.
    """
    given: Any = {}
    pieces = _answer(settings, question)
    try:
        for piece in show_thinking(pieces) if thinking else pieces:
            given = piece if not given else given + piece
            typer.echo(piece.get("answer", ""), nl=False)
    finally:
        if given:
            typer.echo("")
        _print_sources(given, explain=explain)
    print_notices(given["notices"])
    for line in _remarks(given):
        typer.echo(line, err=True)
    if given["usage"]["calls"]:
        typer.echo(usage_line(given["usage"]), err=True)
    _require_whole(given)


def _answer(settings: Settings, question: Question) -> Iterator[Any]:
    """Give the pieces of an answer; the store is closed behind the last one."""
    with closing(Resources(settings)) as resources:
        yield from compose(resources).stream(question)


def _require_whole(given: Mapping[str, Any]) -> None:
    if given["incomplete"]:
        raise ModelError(f"the answer is incomplete: {given['incomplete']}")


def _print_sources(given: Mapping[str, Any], *, explain: bool) -> None:
    """Print the passages that are cited, each with the line that supports the answer, then the others."""
    sources: dict[int, Evidence] = {source["n"]: source for source in given.get("sources", ())}
    cited = [] if given.get("refused") else given.get("cited", [])
    citations: dict[int, Citation] = {citation["source"]: citation for citation in given.get("citations", ())}
    if cited:
        typer.echo("\nSources:")
    for n, source in enumerate(cited, 1):
        quote = citations[source]["quote"] if source in citations else None
        line = quote["start_line"] if quote else sources[source]["start_line"]
        typer.echo(f"  [{n}] {_line(sources[source], line)}")
        if quote and plain(quote["text"]) not in plain(given["answer"]):
            typer.echo(f"      {_short(quote['text'])}")
        if explain:
            typer.echo(f"      {scores_of(sources[source])}")
    rest = [source for n, source in sources.items() if n not in cited]
    if rest:
        typer.echo("\nNot cited:")
    for other in rest:
        typer.echo(f"  {_line(other, other['start_line'])}")
        if explain:
            typer.echo(f"      {scores_of(other)}")
    if explain and given.get("search"):
        typer.echo(f"\nSearched for: {' '.join(given['search'].split())}")
    if explain and (english := next((source["english"] for source in sources.values()), "")):
        typer.echo(f"\nSearched for in English too: {english}")


def _line(source: Evidence, line: int) -> str:
    headings = " › ".join(source["headings"])
    return f"{place(source, line_now(source, line))}  {headings}{other_places(source)}{what_became_of(source)}"


def _remarks(given: Mapping[str, Any]) -> Iterator[str]:
    if unknown := given["unknown_citations"]:
        yield f"warning: the answer cites {', '.join(f'[{n}?]' for n in unknown)}, which is no source"
    if quotes := given["unsupported_quotes"]:
        yield f"warning: {_count(quotes, 'quotation')} not in the sources: {_short(quotes[0]['text'])}"
    if uncited := given["uncited"]:
        yield f"note: {_count(uncited, 'statement')} without a source: {_short(uncited[0]['text'])}"


def _count(excerpts: list[Excerpt], name: str) -> str:
    return f"a {name} is" if len(excerpts) == 1 else f"{len(excerpts)} {name}s are"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return f"“{line if len(line) <= _LONGEST else line[:_LONGEST].rstrip() + '…'}”"

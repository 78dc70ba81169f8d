"""`askmd search`: one question on the terminal, or a file of them."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer

from askmd.places import place
from chains.retrieve import open_query_embeddings, retrieve
from chains.schema import Hit
from config.errors import ConfigError
from config.settings import Settings
from store.milvus import open_store

Find = Callable[[str], list[Hit]]
SHOWN_LINES = 4


@contextmanager
def open_search(settings: Settings, filters: Mapping[str, str]) -> Iterator[Find]:
    """Open the store for searching with the settings."""
    with open_store(settings) as store:
        embeddings = open_query_embeddings(settings, store)
        yield lambda question: retrieve(store, embeddings, question, settings.k, filters)


def search_many(find: Find, queries: Path, out: Path) -> int:
    """Search for each line of a file and write a line of hits for it; give their number. Raises ConfigError."""
    asked = list(_read_queries(queries))
    try:
        lines = out.open("w", encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot write {out}: {error.strerror}") from None
    with lines:
        for id_, question in asked:
            lines.write(json.dumps({"id": id_, "hits": find(question)}, ensure_ascii=False) + "\n")
    return len(asked)


def _read_queries(path: Path) -> Iterator[tuple[object, str]]:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {path}: {error}") from None
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            query = json.loads(line)
            yield query["id"], str(query["question"])
        except (ValueError, TypeError, KeyError):
            raise ConfigError(f'{path}:{number}: not a JSON object with "id" and "question"') from None


def print_hits(hits: Sequence[Hit], *, explain: bool) -> None:
    """Show hits with their place and their first lines."""
    for rank, hit in enumerate(hits, 1):
        typer.echo(f"{rank}. {place(hit)}  {' › '.join(hit['headings'])}  ({hit['score']:.3f})")
        if explain:
            parts = (f"{name} {value:.3f} (rank {hit['ranks'][name]})" for name, value in hit["scores"].items())
            typer.echo(f"   fused {hit['score']:.3f}  " + "  ".join(parts))
        lines = hit["text"].strip().splitlines()
        typer.echo("\n".join(f"   {line}" for line in lines[:SHOWN_LINES]))
        if len(lines) > SHOWN_LINES:
            typer.echo(f"   … {len(lines) - SHOWN_LINES} more lines")
        typer.echo("")
    if explain and hits:
        typer.echo(f"confidence {hits[0]['confidence']:.3f} that the documents hold an answer")
    if not hits:
        typer.echo("nothing found")

"""`askmd search`: one question on the terminal, or a file of them."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer

from askmd.places import other_places, place
from chains.context import fit
from chains.retrieve import open_query_embeddings, retrieve
from chains.schema import Hit
from config.errors import ConfigError
from config.settings import Settings
from store.filters import Filters
from store.milvus import open_store

Find = Callable[[str], list[Hit]]
SHOWN_LINES = 4


@contextmanager
def open_search(settings: Settings, filters: Filters, *, within_budget: bool = False) -> Iterator[Find]:
    """Open the store for searching with the settings; their budget counts only where that is wanted."""
    with open_store(settings) as store:
        store.filter_expression(filters)  # an unknown key shall be told before a file of hits is overwritten
        embeddings = open_query_embeddings(settings, store)

        def count_tokens(text: str) -> int:
            return len(embeddings[0].token_starts(text))

        def find(question: str) -> list[Hit]:
            hits = retrieve(store, embeddings, question, settings.k, filters)
            return fit(hits, settings.budget, count_tokens) if within_budget else hits

        yield find


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
        typer.echo(f"{rank}. {place(hit)}  {' › '.join(hit['headings'])}  ({hit['score']:.3f}){other_places(hit)}")
        if explain:
            parts = (f"{name} {value:.3f} (rank {hit['ranks'][name]})" for name, value in hit["scores"].items())
            typer.echo(f"   fused {hit['score']:.3f}  " + "  ".join(parts))
        lines = hit["text"].strip().splitlines()
        typer.echo("\n".join(f"   {line}" for line in lines[:SHOWN_LINES]))
        if len(lines) > SHOWN_LINES:
            typer.echo(f"   … {len(lines) - SHOWN_LINES} more lines")
        typer.echo("")
    if not hits:
        typer.echo("nothing found")

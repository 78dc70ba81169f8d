"""`askmd search`: one question on the terminal, or a file of them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import typer

from askmd.output import open_output
from askmd.places import place
from chains.retrieve import open_query_embeddings, retrieve
from chains.schema import Hit
from config.settings import Settings
from experiments.queries import Question, read_lines
from store.embeddings import EmbeddingModel
from store.milvus import Store, open_store

SHOWN_LINES = 4


@dataclass(frozen=True, slots=True)
class Search:
    """An open store, and how it is searched."""

    store: Store
    embeddings: Sequence[EmbeddingModel]
    filters: Mapping[str, str]

    def find(self, question: str) -> list[Hit]:
        """Give the best passages, as many as the settings say; raises as `retrieve` does."""
        return retrieve(self.store, self.embeddings, question, self.store.settings.k, self.filters)


@contextmanager
def open_search(settings: Settings, filters: Mapping[str, str]) -> Iterator[Search]:
    """Open the store for searching with the settings."""
    with open_store(settings) as store:
        yield Search(store, open_query_embeddings(settings, store), filters)


def search_many(search: Search, queries: Path, out: Path) -> int:
    """Search for each line of a file and write a line of hits for it; give their number. Raises ConfigError."""
    asked = [query for _, query in read_lines(queries, Question)]
    with open_output(out) as lines:
        for query in asked:
            found = {"id": query.id, "hits": search.find(query.question)}
            lines.write(json.dumps(found, ensure_ascii=False) + "\n")
    return len(asked)


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
    if not hits:
        typer.echo("nothing found")

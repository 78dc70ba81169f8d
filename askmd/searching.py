"""`askmd search`: one question on the terminal, or a file of them."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import typer

from askmd.output import open_output
from askmd.places import other_places, place
from chains.prompting.context import fit
from chains.resources import Resources
from chains.schema import Hit
from config.settings import Settings
from experiments.queries import Question, read_lines
from store.collection import Store
from store.filters import Filters
from store.milvus import open_store

SHOWN_LINES = 4


@dataclass(frozen=True, slots=True)
class Search:
    """An open store, and how it is searched."""

    store: Store
    resources: Resources
    k: int
    filters: Filters
    budget: int | None
    """Tokens that what is found may have; None for any number."""
    judge: bool
    """Whether hits are given the confidence of the gate."""

    def find(self, question: str) -> tuple[list[Hit], list[str]]:
        """Give the best passages and notices; a reranker that fails is one of these. Raises as `retrieve` does."""
        hits, notices = self.resources.rerank_or_keep(question, self._candidates(question), self.k)
        return hits if self.budget is None else fit(hits, self.budget, self.resources.count_tokens), notices

    def find_or_fail(self, question: str) -> list[Hit]:
        """Give the best passages for measuring: a reranker that fails raises RerankError."""
        return self.resources.rerank(question, self._candidates(question), self.k)

    def _candidates(self, question: str) -> list[Hit]:
        wanted = self.resources.candidates(self.k)
        return self.resources.search(question, wanted, self.filters, judge=self.judge)


@contextmanager
def open_search(
    settings: Settings, filters: Filters, *, within_budget: bool = False, judge: bool = False
) -> Iterator[Search]:
    """Open the store for searching with the settings; their budget counts only where that is wanted."""
    with open_store(settings) as store:
        store.filter_expression(filters)  # an unknown key shall be told before a file of hits is overwritten
        resources = Resources(settings, store)
        resources.open()
        yield Search(store, resources, settings.k, filters, settings.budget if within_budget else None, judge)


def search_many(search: Search, queries: Path, out: Path) -> tuple[int, list[str]]:
    """Search for each line of a file and write a line for it; give their number and the notices. Raises ConfigError."""
    asked = [query for _, query in read_lines(queries, Question)]
    told: dict[str, None] = {}
    with open_output(out) as lines:
        for query in asked:
            hits, notices = search.find(query.question)
            found = {"id": query.id, "hits": hits, "notices": notices}
            lines.write(json.dumps(found, ensure_ascii=False) + "\n")
            told |= dict.fromkeys(notices)
    return len(asked), list(told)


def scores_of(hit: Hit) -> str:
    """Say what the score of a hit is made of."""
    parts = (f"{name} {value:.3f} (rank {hit['ranks'][name]})" for name, value in hit["scores"].items())
    return f"score {hit['score']:.3f}  " + "  ".join(parts)


def print_hits(hits: Sequence[Hit], *, explain: bool) -> None:
    """Show hits with their place and their first lines."""
    for rank, hit in enumerate(hits, 1):
        typer.echo(f"{rank}. {place(hit)}  {' › '.join(hit['headings'])}  ({hit['score']:.3f}){other_places(hit)}")
        if explain:
            typer.echo(f"   {scores_of(hit)}")
        lines = hit["text"].strip().splitlines()
        typer.echo("\n".join(f"   {line}" for line in lines[:SHOWN_LINES]))
        if len(lines) > SHOWN_LINES:
            typer.echo(f"   … {len(lines) - SHOWN_LINES} more lines")
        typer.echo("")
    if explain and hits:
        if english := hits[0]["english"]:
            typer.echo(f"searched for in English too: {english}")
        typer.echo(f"confidence {hits[0]['confidence']:.3f} that the documents hold an answer")
    if not hits:
        typer.echo("nothing found")

"""What each part of retrieval is worth: the same questions through variants of it, each compared with today's.

    python -m benchmarks.retrieval SET [SET ...] [--json FILE] [--stores FOLDER]

A SET is NAME=CORPUS:QUERIES, such as faq=docs/faq:faq.jsonl (see docs/evaluate.md for the form of the questions). Each
corpus is ingested once for each way of cutting and embedding it; the rest varies what is searched and how it is fused.
Questions that the documents do not answer are left out. Prints Markdown.
"""

import argparse
import json
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chains.retrieval.asked import Asked
from chains.retrieval.coverage import HALVES, weights
from chains.retrieval.find import CANDIDATES, find, rank
from chains.retrieval.fuse import Fused, Ranking, fuse, fused_scores
from chains.retrieval.late import DEPTH as LATE
from chains.retrieval.late import WEIGHTS, beside, fuse_with_parts, rank_by_parts
from chains.retrieval.retrieve import read_passages
from chains.schema import Hit
from config.settings import Settings
from experiments.measuring.retrieval_metrics import cover, measure
from experiments.queries import Query, read_queries
from experiments.statistics.estimates import difference, estimate
from ingest.pipeline import ingest
from store.collection import Store
from store.embeddings import EmbeddingModel, configured_embeddings
from store.milvus import open_store
from store.tokens import approximate_token_starts

DEPTH = 20
RRF_K = 60
"""Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion outperforms Condorcet" (2009)."""
SHOWN = ("hit@1", "hit@5", "mrr@10", "cover@1500")
BUDGETS = (500, 1_000, 1_500, 2_000, 3_000, 4_000, 6_000, 8_000)

Search = Callable[["Index", str], list[Fused]]


@dataclass(frozen=True)
class Index:
    """A corpus that was ingested in one way."""

    store: Store
    embeddings: Sequence[EmbeddingModel]

    def ask(self, question: str) -> Asked:
        return Asked(self.store, self.embeddings, question)

    def rankings(self, question: str) -> dict[str, Ranking]:
        return rank(self.ask(question), CANDIDATES)


@dataclass(frozen=True)
class Variant:
    """A name, the settings of its index, and what differs in the search."""

    name: str
    index: tuple[tuple[str, Any], ...]
    search: Search
    passage_chars: int = 2000


@dataclass(frozen=True)
class QuestionSet:
    name: str
    corpus: Path
    queries: Sequence[Query]


def today(index: Index, question: str) -> list[Fused]:
    return find(index.ask(question), CANDIDATES)


def untranslated(index: Index, question: str) -> list[Fused]:
    """As today, but that no word is searched for in English; how much the words cover decides what they weigh."""
    asked = index.ask(question)
    rankings = rank(asked, CANDIDATES)
    return fuse_with_parts(asked, rankings, weights(rankings["lexical"], asked.highest()))


def weighted(dense: float = 0.5, late: float | None = None, candidates: int = CANDIDATES, depth: int = LATE) -> Search:
    """As today but for the weight of the vectors beside the words, that of the parts, and how many are looked at."""

    def search(index: Index, question: str) -> list[Fused]:
        asked = index.ask(question)
        return with_parts(asked, rank(asked, candidates), {"dense": dense, "lexical": 1 - dense}, late, depth)

    return search


def with_parts(
    asked: Asked,
    rankings: Mapping[str, Ranking],
    shares: Mapping[str, float],
    late: float | None = None,
    depth: int = LATE,
) -> list[Fused]:
    own = WEIGHTS[asked.embedding.name] if late is None else late
    found = list(fused_scores(rankings, shares))[:depth]
    ranking = rank_by_parts(asked, found).get("late", []) if own else []
    return fuse({**rankings, "late": ranking}, beside({"late": own}, shares))


def only(name: str) -> Search:
    return lambda index, question: fuse({name: index.rankings(question)[name]}, {name: 1.0})


def reciprocal_ranks(index: Index, question: str) -> list[Fused]:
    rankings = index.rankings(question)
    places = {name: {id_: n for n, (id_, _) in enumerate(ranking, 1)} for name, ranking in rankings.items()}
    scores: dict[str, float] = {}
    for by_id in places.values():
        for id_, place in by_id.items():
            scores[id_] = scores.get(id_, 0.0) + 1 / (RRF_K + place)
    return [Fused(id_, scores[id_], {}, {}) for id_ in sorted(scores, key=lambda id_: -scores[id_])]


def both_embeddings(first: float, second: float) -> Search:
    """Ask both embeddings, whatever the language of the question."""

    def search(index: Index, question: str) -> list[Fused]:
        asked = index.ask(question)
        vector = index.embeddings[1].embed_queries([question])[0]
        other = index.store.nearest(index.store.vector_fields[1], vector.tolist(), CANDIDATES, "")
        shares = {"dense": first, "other": second, "lexical": 1 - first - second}
        return with_parts(asked, {**rank(asked, CANDIDATES), "other": other}, shares)

    return search


class BreadcrumbsEmbedded:
    """The dense list over vectors of breadcrumb and text, which askmd does not store: made here, and searched flat."""

    def __init__(self) -> None:
        self._vectors: dict[str, tuple[list[str], Any]] = {}

    def __call__(self, index: Index, question: str) -> list[Fused]:
        ids, vectors = self._of(index)
        scores = vectors @ np.asarray(index.embeddings[0].embed_queries([question])[0], np.float32)
        best = np.argsort(-scores)[:CANDIDATES]
        dense = [(ids[at], float(scores[at])) for at in best]
        asked = index.ask(question)
        return with_parts(asked, {**rank(asked, CANDIDATES), "dense": dense}, HALVES)

    def _of(self, index: Index) -> tuple[list[str], Any]:
        if index.store.target not in self._vectors:
            rows = list(index.store.rows("", ["id", "headings", "text"]))
            texts = [" › ".join(row["headings"]) + "\n" + row["text"] for row in rows]
            self._vectors[index.store.target] = (
                [row["id"] for row in rows],
                np.asarray(index.embeddings[0].embed(texts), np.float32),
            )
        return self._vectors[index.store.target]


def variants() -> Iterator[Variant]:
    """The first is what the others are compared with."""

    def index(embedding: str, chunk_tokens: int = 200, splitter: str = "askmd") -> tuple[tuple[str, Any], ...]:
        return (("embedding", embedding), ("chunk_tokens", chunk_tokens), ("splitter", splitter))

    one = index("minilm")
    yield Variant("minilm, 200 tokens, dense + BM25 of 50, parts of 30, passages of 2,000", one, today)
    yield Variant("dense alone, not widened", one, only("dense"), 0)
    yield Variant("BM25 alone, not widened", one, only("lexical"), 0)
    yield Variant("RRF, without parts, not widened", one, reciprocal_ranks, 0)
    yield Variant("without parts, not widened", one, weighted(late=0), 0)
    yield Variant("not widened", one, today, 0)
    yield Variant("dense alone", one, only("dense"))
    yield Variant("BM25 alone", one, only("lexical"))
    yield Variant("RRF, without parts", one, reciprocal_ranks)
    yield Variant("without parts", one, weighted(late=0))
    yield Variant("parts weigh 0.3", one, weighted(late=0.3))
    yield Variant("parts weigh 0.8", one, weighted(late=0.8))
    yield Variant("parts of 20", one, weighted(depth=20))
    yield Variant("0.3 dense, 0.7 BM25", one, weighted(0.3))
    yield Variant("0.7 dense, 0.3 BM25", one, weighted(0.7))
    yield Variant("100 candidates", one, weighted(candidates=100))
    yield Variant("200 candidates", one, weighted(candidates=200))
    yield Variant("200 candidates, without parts", one, weighted(candidates=200, late=0))
    yield Variant("breadcrumbs embedded too", one, BreadcrumbsEmbedded())
    yield Variant("passages of 1,000", one, today, 1000)
    yield Variant("passages of 1,500", one, today, 1500)
    yield Variant("passages of 3,000", one, today, 3000)
    yield Variant("chunks of 128 tokens", index("minilm", 128), today)
    yield Variant("chunks of 256 tokens", index("minilm", 256), today)
    yield Variant("LangChain's splitters", index("minilm", 200, "langchain"), today)
    yield Variant("multilingual", index("multilingual"), today)
    yield Variant("multilingual, without parts", index("multilingual"), weighted(late=0))
    yield Variant("multilingual, chunks of 400 tokens", index("multilingual", 400), today)
    yield Variant("minilm+multilingual", index("minilm+multilingual"), today)
    yield Variant("minilm+multilingual, not put into English", index("minilm+multilingual"), untranslated)
    yield Variant("both embeddings, 0.3 + 0.2 dense, 0.5 BM25", index("minilm+multilingual"), both_embeddings(0.3, 0.2))
    yield Variant("multilingual, dense alone, not widened", index("multilingual"), only("dense"), 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sets", nargs="+", type=read_set, metavar="NAME=CORPUS:QUERIES")
    parser.add_argument("--only", metavar="REGEX", help="only variants whose name fits, and the first", default="")
    parser.add_argument("--stores", type=Path, help="folder in which the stores are kept for the next run")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    chosen = [each for n, each in enumerate(variants()) if n == 0 or re.search(options.only, each.name)]
    with tempfile.TemporaryDirectory() as scratch:
        stores = options.stores or Path(scratch)
        results = [(each, run(each, options.sets, stores)) for each in chosen]
    print_table(results)
    print_budgets(results[0][1])
    if options.json:
        told = [{"variant": each.name, "metrics": metrics} for each, metrics in results]
        options.json.write_text(json.dumps(told, indent=1) + "\n", "utf-8")


def read_set(text: str) -> QuestionSet:
    name, _, rest = text.partition("=")
    corpus, _, queries = rest.rpartition(":")
    answerable = [query for query in read_queries(Path(queries)) if query.needs]
    return QuestionSet(name, Path(corpus).resolve(), answerable)


Metrics = dict[str, dict[str, list[float]]]
"""Set -> metric -> a value for each question."""


def run(variant: Variant, sets: Sequence[QuestionSet], stores: Path) -> Metrics:
    found: Metrics = {}
    for each in sets:
        with opened(each, variant, stores) as index:
            measured = [measure_all(query, search(variant, index, query)) for query in each.queries]
        found[each.name] = {name: [values[name] for values in measured] for name in measured[0]}
    return found


def measure_all(query: Query, hits: Sequence[Hit]) -> dict[str, float]:
    by_budget = {f"cover@{tokens}": cover(query, hits, tokens, approximate_token_starts) for tokens in BUDGETS}
    return measure(query, hits, approximate_token_starts) | by_budget


def search(variant: Variant, index: Index, query: Query) -> list[Hit]:
    found = variant.search(index, query.question)
    return read_passages(index.ask(query.question), found, DEPTH, variant.passage_chars)


@contextmanager
def opened(each: QuestionSet, variant: Variant, stores: Path) -> Iterator[Index]:
    kind = "-".join(str(value) for _, value in variant.index)
    choices: Mapping[str, Any] = dict(variant.index)
    settings = Settings(milvus_uri=str(stores / f"{each.name}-{kind}.db"), **choices)
    embeddings = configured_embeddings(settings)
    ingest(settings, each.corpus, embeddings=embeddings)
    with open_store(settings) as store:
        yield Index(store, embeddings)


def print_table(results: Sequence[tuple[Variant, Metrics]]) -> None:
    """A row a variant: means by set, their mean over the sets, and the paired difference over all questions."""
    names = list(results[0][1])
    print(
        "| hit@1/hit@5/mrr@10/cover@1500 |",
        " | ".join(f"{name} ({count(results, name)})" for name in names),
        "| mean |",
    )
    print("| --- |" + " --- |" * (len(names) + 1))
    for variant, metrics in results:
        cells = [shown({name: float(np.mean(metrics[each][name])) for name in SHOWN}) for each in names]
        mean = {name: float(np.mean([np.mean(metrics[each][name]) for each in names])) for name in SHOWN}
        print(f"| {variant.name} | " + " | ".join([*cells, shown(mean)]) + " |")
    print("\nIntervals of the first row, over all questions:")
    for name in SHOWN:
        of_all = estimate(pooled(results[0][1], name))
        print(f"- {name} {of_all.mean:.3f} [{of_all.low:.3f}, {of_all.high:.3f}]")
    print("\n| minus the first row, over all questions |", " | ".join(SHOWN), "|\n| --- |" + " --- |" * len(SHOWN))
    for variant, metrics in results[1:]:
        changes = [difference(pooled(results[0][1], name), pooled(metrics, name)) for name in SHOWN]
        cells = [
            f"{change.mean:+.3f} [{change.low:+.3f}, {change.high:+.3f}]{'*' * change.shown}" for change in changes
        ]
        print(f"| {variant.name} | " + " | ".join(cells) + " |")
    print("\n`*`: the interval leaves out zero and a randomisation test gives p < 0.05.")


def print_budgets(metrics: Metrics) -> None:
    """What share of the evidence a prompt of so many tokens holds, by set."""
    print("\n| evidence covered in tokens |", " | ".join(f"{tokens:,}" for tokens in BUDGETS), "|")
    print("| --- |" + " --- |" * len(BUDGETS))
    for name, values in metrics.items():
        print(f"| {name} |", " | ".join(f"{np.mean(values[f'cover@{tokens}']):.2f}" for tokens in BUDGETS), "|")


def count(results: Sequence[tuple[Variant, Metrics]], name: str) -> int:
    return len(results[0][1][name]["hit@1"])


def shown(metrics: Mapping[str, float]) -> str:
    return " / ".join(f"{metrics[name]:.2f}" for name in SHOWN)


def pooled(metrics: Metrics, name: str) -> list[float]:
    return [value for by_metric in metrics.values() for value in by_metric[name]]


if __name__ == "__main__":
    main()

"""Which sign tells questions that a corpus answers from those that it does not, and the gate's curves fitted to it.

    python -m benchmarks.refusal --set NAME CORPUS QUERIES [GLOB] [--set ...] [--cache DIR]

QUERIES is a question file of docs/evaluate.md whose paths are relative to CORPUS; GLOB takes a part of the corpus.
Questions without an answer are made in four ways:

- native: the file has them (`"relevant": []`);
- section: the sections that hold the answer are taken out of the corpus before the search;
- doc: the whole documents that hold it are (only where there are more than a dozen);
- foreign: questions of the other sets, but for those whose name is the same up to a hyphen.

Search is exact and in memory: cosine, and BM25 (k1 1.2, b 0.75) over the terms of store/lexical.py. Every figure of the
gate is for a set that its curve was not fitted to.
"""

import argparse
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize

from chains.fuse import fuse
from chains.gate import DEPTH, Curve, Sign, coverage, is_across
from chains.retrieve import CANDIDATES, WEIGHTS
from experiments.queries import Query, read_queries
from experiments.refusal import auroc
from ingest.load import decode, find_docs, open_root, read_bytes
from ingest.rows import terms, to_rows
from ingest.split import split
from store.embeddings import EmbeddingModel, open_embedding
from store.lexical import analyse
from store.rows import Row

MODELS = ("minilm", "multilingual")
MOST_FOREIGN = 60  # questions of another set
RIDGE = 0.01


@dataclass
class Corpus:
    """The rows of a set with their terms and, by model, their vectors."""

    name: str
    rows: list[Row]
    counts: list[Counter[str]]
    vectors: dict[str, Any]
    queries: list[Query]

    def __post_init__(self) -> None:
        self.lengths = np.array([count.total() for count in self.counts], float)
        self.postings: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
        for number, count in enumerate(self.counts):
            for term, times in count.items():
                self.postings[term].append((number, times))


@dataclass(frozen=True)
class Case:
    """One search: what it gives each sign, and the signs of its first chunks."""

    corpus: str
    lang: str
    kind: str
    across: bool
    values: dict[str, float]
    signs: list[Sign]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--set", action="append", nargs="+", required=True, metavar="NAME CORPUS QUERIES [GLOB]")
    parser.add_argument("--cache", type=Path, help="folder for vectors")
    options = parser.parse_args()
    models = {name: open_embedding(name) for name in MODELS}
    corpora = [read_corpus(models, options.cache, given) for given in options.set]
    questions = list(dict.fromkeys(query.question for corpus in corpora for query in corpus.queries))
    for name, model in models.items():
        vectors = embed(model, questions, options.cache, "questions", queries=True)
        asked = dict(zip(questions, vectors, strict=True))
        report(name, [case for corpus in corpora for case in cases(corpus, corpora, name, asked)])


def read_corpus(models: dict[str, EmbeddingModel], cache: Path | None, given: Sequence[str]) -> Corpus:
    name, folder, queries, glob = [*given, "*.md"][:4]
    root = open_root(Path(folder), name)
    rows, texts = [], []
    for doc in find_docs(root, (glob,)).docs:
        source = decode(doc, read_bytes(root, doc))
        for new in to_rows(name, source, split(source.text, token_starts=models["minilm"].token_starts)):
            rows.append(new.row)
            texts.append(new.embedded)
    vectors = {each: embed(model, texts, cache, name) for each, model in models.items()}
    return Corpus(name, rows, [Counter(terms(row).split()) for row in rows], vectors, read_queries(Path(queries)))


def embed(model: EmbeddingModel, texts: list[str], cache: Path | None, name: str, *, queries: bool = False) -> Any:
    kept = cache / f"{name}.{model.name}.npy" if cache else None
    if kept and kept.exists() and len(found := np.load(kept)) == len(texts):
        return found
    found = model.embed_queries(texts) if queries else model.embed(texts)
    if kept:
        np.save(kept, found)
    return found


def cases(corpus: Corpus, corpora: Sequence[Corpus], model: str, asked: dict[str, Any]) -> Iterator[Case]:
    for query in corpus.queries:
        for variant in variants(corpus, query):
            yield search(corpus, query, variant, model, asked[query.question])
    for other in corpora:
        if other is not corpus and other.name.partition("-")[0] != corpus.name.partition("-")[0]:
            for query in other.queries[:: max(1, len(other.queries) // MOST_FOREIGN)]:
                yield search(corpus, query, ("foreign", set()), model, asked[query.question])


def variants(corpus: Corpus, query: Query) -> Iterator[tuple[str, set[int]]]:
    if not query.needs:
        yield "native", set()
        return
    gold = [passage for need in query.needs for passage in need]
    places = {(row["doc"], row["section_start"]) for row in corpus.rows if any(holds(row, each) for each in gold)}
    if not places:
        return
    yield "answerable", set()
    yield "section", {n for n, row in enumerate(corpus.rows) if (row["doc"], row["section_start"]) in places}
    docs = {doc for doc, _ in places}
    if len({row["doc"] for row in corpus.rows}) > 12:
        yield "doc", {n for n, row in enumerate(corpus.rows) if row["doc"] in docs}


def holds(row: Row, passage: Any) -> bool:
    """By the text as well as by the place: the file may have changed since it was noted."""
    if row["doc"] != passage.doc:
        return False
    text, excerpt = (" ".join(each.split()) for each in (row["text"], passage.excerpt))
    return excerpt[:50] in text or text[:50] in excerpt or text[-50:] in excerpt


def search(corpus: Corpus, query: Query, variant: tuple[str, set[int]], model: str, vector: Any) -> Case:
    kind, without = variant
    left = np.ones(len(corpus.rows), bool)
    left[list(without)] = False
    cosines = np.where(left, corpus.vectors[model] @ vector, -9)
    dense = [(str(n), float(cosines[n])) for n in np.argsort(-cosines)[:CANDIDATES] if left[n]]
    words = analyse(query.question).split()
    scores, heaviest, weights = bm25(corpus, words, left)
    lexical = [(str(n), float(scores[n])) for n in np.argsort(-scores)[:CANDIDATES] if scores[n] > 0]
    found = fuse({"dense": dense, "lexical": lexical}, WEIGHTS)
    total = sum(weights.values()) or 1.0
    held = [{word for word in weights if word in corpus.counts[int(each.id)]} for each in found[:DEPTH]]
    signs = [
        Sign(
            each.scores.get("dense", dense[-1][1]),
            coverage(each.scores.get("lexical", 0.0), words, heaviest, int(left.sum())),
            is_across(query.question, corpus.rows[int(each.id)]["text"]),
        )
        for each in found[:DEPTH]
    ]
    return Case(
        corpus=corpus.name,
        lang=query.lang,
        kind=kind,
        across=sum(sign.across for sign in signs) > DEPTH / 2,
        values={
            "best cosine": dense[0][1],
            "best BM25 score": lexical[0][1] if lexical else 0.0,
            "words in the top five, by idf": sum(weights[word] for word in set().union(*held)) / total,
            "words in one of them, by idf": max(sum(weights[word] for word in each) for each in held) / total,
            "words in one of them, alike": max(len(each) for each in held) / (len(weights) or 1),
            "agreement (RRF of the first)": sum(1 / (60 + rank) for rank in found[0].ranks.values()),
            "coverage": max(sign.coverage or 0.0 for sign in signs),
        },
        signs=signs,
    )


def bm25(corpus: Corpus, words: Sequence[str], left: Any) -> tuple[Any, dict[str, float], dict[str, float]]:
    """Give the scores, the highest score of each word alone, and the idf of each word, in what is left."""
    rows = int(left.sum())
    scores = np.zeros(len(corpus.rows))
    heaviest: dict[str, float] = {}
    weights: dict[str, float] = {}
    for word, repeated in Counter(words).items():
        hits = [hit for hit in corpus.postings.get(word, ()) if left[hit[0]]]
        weights[word] = math.log(1 + (rows - len(hits) + 0.5) / (len(hits) + 0.5))
        if hits:
            at, times = (np.array(column) for column in zip(*hits, strict=True))
            norm = 1.2 * (0.25 + 0.75 * corpus.lengths[at] / corpus.lengths.mean())
            alone = weights[word] * times * 2.2 / (times + norm)
            scores[at] += repeated * alone
            heaviest[word] = float(alone.max())
    return scores, heaviest, weights


def report(model: str, found: list[Case]) -> None:
    shared = [case for case in found if not case.across]
    across = [case for case in found if case.across]
    held_out = {id(case): value for case, value in left_out(shared, with_coverage=True)}
    held_out |= {id(case): value for case, value in left_out(across, with_coverage=False)}
    print(f"\n# {model}\n")
    print("AUROC, question and passages in one language")
    columns = sorted({(c.corpus, c.kind) for c in shared if c.kind != "answerable"})
    print(f"{'':32}" + "".join(f"{f'{corpus} {kind}':>18}" for corpus, kind in columns) + f"{'mean':>8}")
    for name in found[0].values:
        print_row(name, shared, columns, lambda case, name=name: case.values[name])
    print_row("gate (cosine + coverage)", shared, columns, lambda case: held_out[id(case)])
    print("\nAUROC of the gate by language of the question, passages in one language / across")
    for lang in sorted({case.lang for case in found}):
        figures = [
            area([c for c in cases if c.lang == lang], lambda case: held_out[id(case)]) for cases in (shared, across)
        ]
        print(f"{lang:8}" + "  ".join("   -" if math.isnan(value) else f"{value:.2f}" for value in figures))
    print("\ncurves fitted to all sets")
    curves = fit(shared, with_coverage=True), fit(across, with_coverage=False)
    print("shared", curves[0])
    print("across", curves[1])
    print("\nshare refused below a confidence, curve of the other sets")
    levels = (0.03, 0.06, 0.1, 0.15, 0.2)
    print(f"{'':32}{'n':>6}" + "".join(f"{level:>8}" for level in levels))
    for group, cases_ in (("one language", shared), ("across", across)):
        for corpus, kind in sorted({(c.corpus, c.kind) for c in cases_}):
            values = [held_out[id(c)] for c in cases_ if (c.corpus, c.kind) == (corpus, kind)]
            shares = "".join(f"{np.mean([value < level for value in values]):8.3f}" for level in levels)
            print(f"{f'{group}: {corpus} {kind}':32}{len(values):6}{shares}")


def print_row(
    name: str, found: Sequence[Case], columns: Sequence[tuple[str, str]], value: Callable[[Case], float]
) -> None:
    areas = [
        area([c for c in found if c.corpus == of and c.kind in {"answerable", kind}], value) for of, kind in columns
    ]
    print(f"{name:32}" + "".join(f"{each:18.2f}" for each in areas) + f"{np.nanmean(areas):8.3f}")


def area(found: Sequence[Case], value: Callable[[Case], float]) -> float:
    high = [value(case) for case in found if case.kind == "answerable"]
    low = [value(case) for case in found if case.kind != "answerable"]
    return float(auroc(high, low)) if min(len(high), len(low)) > 1 else math.nan


def left_out(found: Sequence[Case], *, with_coverage: bool) -> Iterator[tuple[Case, float]]:
    """Give each case its confidence by the curve of the other sets; by that of all where there is no other set."""
    for name in {case.corpus for case in found}:
        others = [case for case in found if case.corpus != name]
        kinds = {case.kind == "answerable" for case in others}
        curve = fit(others if len(kinds) == 2 else found, with_coverage=with_coverage)
        for case in found:
            if case.corpus == name:
                yield case, max(curve.confidence(sign) for sign in case.signs)


def fit(found: Sequence[Case], *, with_coverage: bool) -> Curve:
    """Fit a logistic curve to the best chunk of each case; sets and kinds weigh alike, both answers too."""
    groups = Counter((case.corpus, case.kind) for case in found)
    kinds = Counter((corpus, kind == "answerable") for corpus, kind in groups)
    weights = np.array(
        [1 / groups[case.corpus, case.kind] / kinds[case.corpus, case.kind == "answerable"] for case in found]
    )
    weights *= len(found) / weights.sum()
    answers = np.array([case.kind == "answerable" for case in found], float)
    curve = Curve(0.0, 5.0, 5.0 * with_coverage)
    for _ in range(4):  # which chunk is the best one depends on the curve
        best = [max(case.signs, key=curve.confidence) for case in found]
        columns = np.array([[1.0, sign.dense, (sign.coverage or 0.0) * with_coverage] for sign in best])

        def loss(values: Any, columns: Any = columns) -> float:
            odds = columns @ values
            return float((weights * (np.logaddexp(0, odds) - answers * odds)).sum() + RIDGE * (values[1:] ** 2).sum())

        curve = Curve(*(round(float(value), 2) for value in minimize(loss, np.zeros(3)).x))
    return curve


if __name__ == "__main__":
    main()

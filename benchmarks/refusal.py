"""Which sign tells questions that a corpus answers from those that it does not, and the gate's curves fitted to it.

    python -m benchmarks.refusal --set NAME CORPUS QUERIES [GLOB] [--set ...] [--cache DIR]

QUERIES is a question file of docs/evaluate.md whose paths are relative to CORPUS; GLOB takes a part of the corpus.
Questions without an answer are made in four ways:

- native: the file has them (`"relevant": []`);
- section: the sections that hold the answer are taken out of the corpus before the search;
- doc: the whole documents that hold it are (only where there are more than a dozen);
- foreign: questions of the other sets, but for those whose name is the same up to a hyphen.

Search is exact and in memory: cosine, BM25 (k1 1.2, b 0.75) over the terms of store/lexical.py, and the parts of
store/parts.py. Every figure of the gate is for a set that its curve was not fitted to.
"""

import argparse
import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import logit

from chains.retrieval.coverage import HALVES, coverage, highest_score, weights
from chains.retrieval.find import CANDIDATES
from chains.retrieval.fuse import Fused, Ranking, fuse, fused_scores
from chains.retrieval.gate import DEPTH, Curve, Sign, is_across, is_over_english
from chains.retrieval.late import DEPTH as LATE_DEPTH
from chains.retrieval.late import ENGLISH_WEIGHT, WEIGHTS, beside, match
from experiments.measuring.refusal import auroc
from experiments.queries import Query, read_queries
from ingest.find import find_docs, open_root
from ingest.load import decode, read_bytes
from ingest.rows import terms, to_rows
from ingest.split import split
from store.embeddings import EmbeddingModel, open_embedding
from store.language import is_english
from store.lexical import analyse
from store.rows import Row

MODELS = ("minilm", "multilingual")
MOST_FOREIGN = 60  # questions of another set
RIDGE = 0.01
LOWEST = 0.06  # confidence that 1 % of the answerable questions may have
ENOUGH = 20  # answerable questions of a family that say what 1 % of them are
FEW = 5  # cases that no share is worth printing of


@dataclass
class Corpus:
    """The rows of a set with their terms and, by model, their vectors and packed parts."""

    name: str
    rows: list[Row]
    counts: list[Counter[str]]
    vectors: dict[str, Any]
    parts: dict[str, list[str]]
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


class Asked(NamedTuple):
    """What a model makes of a question, and of its words in English."""

    vector: Any
    parts: Any
    terms: list[str]
    english: list[str]
    english_parts: Any


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--set", action="append", nargs="+", required=True, metavar="NAME CORPUS QUERIES [GLOB]")
    parser.add_argument("--cache", type=Path, help="folder for vectors")
    options = parser.parse_args()
    models = {name: open_embedding(name) for name in MODELS}
    corpora = [read_corpus(models, options.cache, given) for given in options.set]
    questions = list(dict.fromkeys(query.question for corpus in corpora for query in corpus.queries))
    for name, model in models.items():
        asked = {question: ask(question, model, models["minilm"]) for question in questions}
        report(name, [case for corpus in corpora for case in cases(corpus, corpora, name, asked)])


def ask(question: str, model: EmbeddingModel, english_model: EmbeddingModel) -> Asked:
    vector, parts = model.embed_question(question)
    english = "" if is_english(question) else model.to_english(question)
    english_parts = english_model.embed_question(english)[1] if english else None
    return Asked(vector, parts, analyse(question).split(), analyse(english).split(), english_parts)


def read_corpus(models: dict[str, EmbeddingModel], cache: Path | None, given: Sequence[str]) -> Corpus:
    name, folder, queries, glob = [*given, "*.md"][:4]
    root = open_root(Path(folder), name)
    rows, texts = [], []
    for doc in find_docs(root, (glob,)).docs:
        source = decode(doc, read_bytes(root, doc))
        for new in to_rows(name, source, split(source.text, token_starts=models["minilm"].token_starts)):
            rows.append(new.row)
            texts.append(new.embedded)
    made = {each: embed(model, texts, cache, name) for each, model in models.items()}
    return Corpus(
        name,
        rows,
        [Counter(terms(row).split()) for row in rows],
        {each: vectors for each, (vectors, _) in made.items()},
        {each: parts for each, (_, parts) in made.items()},
        read_queries(Path(queries)),
    )


def embed(model: EmbeddingModel, texts: list[str], cache: Path | None, name: str) -> tuple[Any, list[str]]:
    kept = cache / f"{name}.{model.name}.json" if cache else None
    if kept and kept.exists() and len((found := json.loads(kept.read_text("utf-8")))["parts"]) == len(texts):
        return np.array(found["vectors"], np.float32), found["parts"]
    vectors, parts = model.embed_in_parts(texts)
    if kept:
        kept.write_text(json.dumps({"vectors": vectors.tolist(), "parts": parts}), "utf-8")
    return vectors, parts


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


class Found(NamedTuple):
    """What a search found: its lists, best first, and what the words weigh."""

    fused: list[Fused]
    lists: dict[str, Ranking]
    highest: float
    rarity: dict[str, float]


def search(corpus: Corpus, query: Query, variant: tuple[str, set[int]], model: str, asked: Asked) -> Case:
    kind, without = variant
    left = np.ones(len(corpus.rows), bool)
    left[list(without)] = False
    nearest = find_nearest(corpus, left, model, asked)
    in_english = bool(asked.english) and is_over_english(
        query.question, [corpus.rows[int(id_)]["text"] for id_, _ in nearest[:DEPTH]]
    )
    found = look(corpus, left, model, asked, nearest, in_english=in_english)
    total = sum(found.rarity.values()) or 1.0
    rarity = found.rarity
    held = [{word for word in rarity if word in corpus.counts[int(each.id)]} for each in found.fused[:DEPTH]]
    dense, lexical, late = (found.lists[name] for name in ("dense", "lexical", "late"))
    signs = [
        Sign(
            each.scores.get("dense", dense[-1][1]),
            coverage(each.scores.get("lexical", 0.0), found.highest),
            is_across(query.question, corpus.rows[int(each.id)]["text"]),
            each.scores.get("late"),
            in_english,
        )
        for each in found.fused[:DEPTH]
    ]
    return Case(
        corpus=corpus.name,
        lang=query.lang,
        kind=kind,
        across=sum(sign.across for sign in signs) > DEPTH / 2,
        values={
            "best cosine": dense[0][1],
            "best match of parts": late[0][1],
            "best BM25 score": lexical[0][1] if lexical else 0.0,
            "words in the top five, by idf": sum(rarity[word] for word in set().union(*held)) / total,
            "words in one of them, by idf": max(sum(rarity[word] for word in each) for each in held) / total,
            "words in one of them, alike": max(len(each) for each in held) / (len(rarity) or 1),
            "agreement (RRF of the first)": sum(1 / (60 + rank) for rank in found.fused[0].ranks.values()),
            "coverage": max(sign.coverage or 0.0 for sign in signs),
        },
        signs=signs,
    )


def find_nearest(corpus: Corpus, left: Any, model: str, asked: Asked) -> list[tuple[str, float]]:
    cosines = np.where(left, corpus.vectors[model] @ asked.vector, -9)
    return [(str(n), float(cosines[n])) for n in np.argsort(-cosines)[:CANDIDATES] if left[n]]


def look(  # noqa: PLR0913
    corpus: Corpus, left: Any, model: str, asked: Asked, nearest: list[tuple[str, float]], *, in_english: bool
) -> Found:
    """Search by words in what is left, fuse it with the nearest, and read the best again by its parts."""
    words = list(dict.fromkeys([*asked.terms, *asked.english])) if in_english else asked.terms
    scores, heaviest, rarity = bm25(corpus, words, left)
    lexical = [(str(n), float(scores[n])) for n in np.argsort(-scores)[:CANDIDATES] if scores[n] > 0]
    highest = highest_score(asked.english if in_english else words, heaviest, int(left.sum()))
    shares = HALVES if in_english else weights(lexical, highest)
    lists: dict[str, Ranking] = {"dense": nearest, "lexical": lexical}
    own = {"late": WEIGHTS[model], **({"english": ENGLISH_WEIGHT} if in_english else {})}
    read = list(fused_scores(lists, shares))[:LATE_DEPTH]
    lists["late"] = match(asked.parts, {id_: corpus.parts[model][int(id_)] for id_ in read})
    if in_english:
        lists["english"] = match(asked.english_parts, {id_: corpus.parts["minilm"][int(id_)] for id_ in read})
    return Found(fuse(lists, beside(own, shares)), lists, highest, rarity)


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
    in_english = [case for case in across if case.signs[0].in_english]
    held_out = {id(case): value for case, value in left_out(shared, ("dense", "coverage"))}
    print(f"\n# {model}\n")
    print("AUROC, question and passages in one language")
    signs = [*found[0].values, "gate"]
    for number, name in enumerate(signs):
        print(f"  ({number + 1}) {name}")
    print(f"{'':28}{'n':>9}" + "".join(f"{f'({number + 1})':>6}" for number in range(len(signs))))
    areas = []
    for corpus, kind in sorted({(case.corpus, case.kind) for case in shared if case.kind != "answerable"}):
        some = [case for case in shared if case.corpus == corpus and case.kind in {"answerable", kind}]
        by_sign = [area(some, [case.values[name] for case in some]) for name in found[0].values]
        areas.append([*by_sign, area(some, [held_out[id(case)] for case in some])])
        asked = Counter(case.kind == "answerable" for case in some)
        print(f"{corpus + ' ' + kind:28}{f'{asked[True]}/{asked[False]}':>9}" + row(areas[-1]))
    print(f"{'mean':37}" + row(np.nanmean(np.array(areas), axis=0)))
    curves = {
        "shared": scaled(fit(shared, ("dense", "coverage")), shared),
        "across": scaled(fit(across, ("dense",)), across, stretch=True),
        "parts": scaled(fit(across, ("dense", "late")), across, stretch=True),
    }
    if in_english:
        curves["english"] = scaled(fit(in_english, ("dense", "late", "coverage")), in_english, stretch=True)
    print("\nAUROC across languages, by documentation and language of the question, curves fitted to all;")
    print("the section taken out: by cosine, with parts, with words in English; foreign questions: the same")
    answerable = {(case.corpus, case.lang) for case in across if case.kind == "answerable"}
    for corpus, lang in sorted(answerable):
        some = [case for case in across if (case.corpus, case.lang) == (corpus, lang)]
        figures = [
            area(pair, [best_confidence(curves[name], case) for case in pair])
            for kind in ("section", "foreign")
            for pair in [[case for case in some if case.kind in {"answerable", kind}]]
            for name in ("across", "parts", "english")
            if name in curves
        ]
        print(f"{corpus + ' ' + lang:28}" + row(figures))
    print("\ncurves fitted to all sets and scaled")
    for name, curve in curves.items():
        print(f"{name:8}{curve}")
    print("\nshare refused below a confidence, by the curve of the other sets; across: by those of all")
    held_out |= {id(case): best_confidence(curves["parts"], case) for case in across}
    held_out |= {id(case): best_confidence(curves["english"], case) for case in in_english}
    levels = (0.02, 0.03, 0.04, 0.05, 0.06, 0.1)
    print(f"{'':41}{'n':>6}" + "".join(f"{level:>7}" for level in levels))
    for group, some in (("one language", shared), ("across", across)):
        for corpus, kind in sorted({(case.corpus, case.kind) for case in some}):
            values = np.array([held_out[id(case)] for case in some if (case.corpus, case.kind) == (corpus, kind)])
            if len(values) < FEW:
                continue
            shares = "".join(f"{(values < level).mean():7.3f}" for level in levels)
            print(f"{f'{group}: {corpus} {kind}':41}{len(values):6}{shares}")


def row(figures: Sequence[float]) -> str:
    return "".join("     -" if math.isnan(each) else f"{each:6.2f}" for each in figures)


def area(found: Sequence[Case], values: Sequence[float]) -> float:
    high = [value for case, value in zip(found, values, strict=True) if case.kind == "answerable"]
    low = [value for case, value in zip(found, values, strict=True) if case.kind != "answerable"]
    return float(auroc(high, low)) if min(len(high), len(low)) > 1 else math.nan


def best_confidence(curve: Curve, case: Case) -> float:
    return max(curve.confidence(sign) for sign in case.signs)


def family(case: Case) -> str:
    """Sets whose names are the same up to a hyphen are one documentation."""
    return case.corpus.partition("-")[0]


def left_out(found: Sequence[Case], signs: Sequence[str]) -> Iterator[tuple[Case, float]]:
    """Give each case its confidence by the scaled curve of the other families."""
    for name in {family(case) for case in found}:
        others = [case for case in found if family(case) != name]
        curve = scaled(fit(others, signs), others)
        yield from ((case, best_confidence(curve, case)) for case in found if family(case) == name)


def scaled(curve: Curve, found: Sequence[Case], *, stretch: bool = False) -> Curve:
    """Flatten a curve until no family has more than 1 % of its answerable questions below LOWEST.

    With `stretch`, a curve that has fewer there is made steeper: else that of other languages would refuse nothing.
    """
    confident = defaultdict(list)
    for case in found:
        if case.kind == "answerable":
            confident[family(case)].append(best_confidence(curve, case))
    lowest = min(float(np.quantile(values, 0.01)) for values in confident.values() if len(values) >= ENOUGH)
    factor = float(logit(LOWEST) / logit(lowest)) if lowest < 0.5 else 1.0
    factor = factor if stretch else min(1.0, factor)
    return Curve(**{name: round(value * factor, 2) for name, value in asdict(curve).items()})


def fit(found: Sequence[Case], signs: Sequence[str]) -> Curve:
    """Fit a logistic curve over some signs to the best chunk of each case; families and kinds weigh alike, both answers
    too. None of the signs speaks against an answer.
    """
    groups = Counter((family(case), case.kind) for case in found)
    kinds = Counter((name, kind == "answerable") for name, kind in groups)
    weights = np.array(
        [1 / groups[family(case), case.kind] / kinds[family(case), case.kind == "answerable"] for case in found]
    )
    weights *= len(found) / weights.sum()
    answers = np.array([case.kind == "answerable" for case in found], float)
    curve = Curve(**dict.fromkeys(signs, 5.0))
    for _ in range(4):  # which chunk is the best one depends on the curve
        best = [max(case.signs, key=curve.confidence) for case in found]
        columns = np.array([[1.0, *(getattr(sign, name) or 0.0 for name in signs)] for sign in best])

        def loss(values: Any, columns: Any = columns) -> float:
            odds = columns @ values
            return float((weights * (np.logaddexp(0, odds) - answers * odds)).sum() + RIDGE * (values[1:] ** 2).sum())

        bounds = [(None, None), *[(0, None)] * len(signs)]
        values = minimize(loss, np.zeros(len(bounds)), bounds=bounds).x
        curve = Curve(**{name: round(float(value), 2) for name, value in zip(("bias", *signs), values, strict=True)})
    return curve


if __name__ == "__main__":
    main()

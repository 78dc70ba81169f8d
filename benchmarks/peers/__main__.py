"""askmd beside the tutorial's script, LangChain, LlamaIndex, Haystack, txtai and memsearch, in one run.

    python -m benchmarks.peers SET [SET ...] [--tools askmd,memsearch] [--environments FOLDER]
                               [--json FILE] [--plots FOLDER]

A SET is NAME=CORPUS:QUERIES, such as faq=docs/faq:faq.jsonl (see docs/evaluate.md for the form of the questions). Every
tool runs in a virtual environment of its own, made in FOLDER at the first run, by its own documented defaults, on the
same weights (all-MiniLM-L6-v2 on onnxruntime): see its file in benchmarks/peers/. For each set and tool:

- ingest of the whole corpus; again with nothing changed; again with one line of one file changed: s;
- rows that were doubled, and rows that still hold the old line, after these two;
- search for 10 passages, warm, ms p50 / p95 / p99; a new process until its first answer, s (median of 3);
- peak memory after all of that, MB;
- retrieval, with 95 % bootstrap intervals, and the paired difference to askmd.

What a tool gives is found again in the file by its letters; what cannot be found counts as a miss. Prints Markdown.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from benchmarks.peers.locate import Letters
from benchmarks.retrieval import QuestionSet, read_set
from chains.schema import Hit
from experiments.measuring.retrieval_metrics import measure
from experiments.statistics.estimates import difference, estimate
from store.tokens import approximate_token_starts
from store.weights import find_weights

HERE = Path(__file__).parent
PROJECT = HERE.parents[1]
TOOLS = {
    "askmd": None,
    "tutorial": "milvus",
    "langchain": "langchain",
    "llamaindex": "llamaindex",
    "haystack": "haystack",
    "txtai": "txtai",
    "memsearch": "memsearch",
}
"""Each with the name of its requirements; askmd runs in this environment."""
K = 10
WARMING = 10
COLD_STARTS = 3
METRICS = ("hit@1", "hit@5", "mrr@10", "ndcg@10", "cover@1500")
NEW_WORDS = "Zebras inspect quartz harmonicas beneath the northern viaduct."


@dataclass
class Result:
    """What came of one tool on one set."""

    tool: str
    figures: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, list[float]] = field(default_factory=dict)
    """A value for each question."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sets", nargs="+", type=read_set, metavar="NAME=CORPUS:QUERIES")
    parser.add_argument("--tools", default=",".join(TOOLS))
    parser.add_argument("--environments", type=Path, default=Path("build/peers"))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plots", type=Path)
    options = parser.parse_args()
    found: dict[str, list[Result]] = {}
    for each in options.sets:
        for tool in options.tools.split(","):
            python = make_environment(TOOLS[tool], options.environments)
            with tempfile.TemporaryDirectory() as scratch:
                result = run(tool, python, each, Path(scratch))
            found.setdefault(each.name, []).append(result)
            print(f"<!-- {each.name} {tool}: {json.dumps(result.figures)} -->", flush=True)
    for name, results in found.items():
        print_tables(name, results)
    if options.json:
        told = {name: [vars(result) for result in results] for name, results in found.items()}
        options.json.write_text(json.dumps(told) + "\n", "utf-8")
    if options.plots:
        from benchmarks.peers.plots import plot

        plot(found, options.plots)


def make_environment(name: str | None, folder: Path) -> Path:
    """Give the Python of an environment with these requirements, made if it is not there."""
    if name is None:
        return Path(sys.executable)
    python = (folder / name / "bin/python").absolute()
    done = folder / name / "installed"
    if not done.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder / name], check=True)
        requirements = HERE / f"{name}.requirements.txt"
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--requirement", requirements], check=True)
        done.touch()
    return python


class Tool(AbstractContextManager["Tool"]):
    """A process that runs a tool's harness."""

    def __init__(self, name: str, python: Path, store: Path) -> None:
        paths = os.pathsep.join([str(PROJECT), str(HERE)])
        variables = {"PYTHONPATH": paths, "MINILM": str(find_weights().folder), "HF_HUB_OFFLINE": "1"}
        self._process = subprocess.Popen(
            [python, HERE / "harness.py", f"{name}_peer", store],
            env=os.environ | variables,
            cwd=store,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=(store / "errors.txt").open("ab"),
            text=True,
        )
        self._store = store
        self.start_seconds = self._reply()["seconds"]

    def ask(self, what: str, **values: Any) -> dict[str, Any]:
        assert self._process.stdin
        print(json.dumps({"do": what, **values}), file=self._process.stdin, flush=True)
        return self._reply()

    def _reply(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit((self._store / "errors.txt").read_text("utf-8", "replace")[-3_000:])
        reply: dict[str, Any] = json.loads(line)
        return reply

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(60)


def run(name: str, python: Path, questions: QuestionSet, scratch: Path) -> Result:
    corpus, store = scratch / "corpus", scratch / "store"
    shutil.copytree(questions.corpus, corpus)
    store.mkdir()
    texts = {path.relative_to(corpus).as_posix(): path.read_bytes().decode() for path in corpus.rglob("*.md")}
    result = Result(name)
    with Tool(name, python, store) as tool:
        ingested = tool.ask("ingest", folder=str(corpus))
        rows = tool.ask("rows")["result"]
        result.figures |= {"ingest s": round(ingested["seconds"], 1), "rows": len(rows)}
        result.figures |= search_all(tool, questions, texts, result.metrics)
        result.figures["peak MB"] = ingested["peak_mb"]
    result.figures["cold s"] = cold_start(name, python, store, questions)
    with Tool(name, python, store) as tool:
        result.figures |= sync_again(tool, corpus, texts, len(rows))
    return result


def search_all(
    tool: Tool, questions: QuestionSet, texts: Mapping[str, str], metrics: dict[str, list[float]]
) -> dict[str, Any]:
    letters = {doc: Letters(text) for doc, text in texts.items()}
    milliseconds, lost, given = [], 0, 0
    for query in [*questions.queries[:WARMING], *questions.queries]:
        reply = tool.ask("search", question=query.question, k=K)
        milliseconds.append(1000 * reply["seconds"])
        spans = [(doc, letters[doc].find(text)) for doc, text in reply["result"] if text.strip()]
        if len(milliseconds) <= WARMING:
            continue
        hits = [
            Hit(doc=doc, start=span[0], end=span[1], text=texts[doc][slice(*span)])  # type: ignore[typeddict-item]  # all that is measured
            if span
            else Hit(doc="", start=0, end=1, text=" ")  # type: ignore[typeddict-item]
            for doc, span in spans
        ]
        given, lost = given + len(spans), lost + sum(span is None for _, span in spans)
        for metric, value in measure(query, hits, approximate_token_starts).items():
            metrics.setdefault(metric, []).append(value)
    p50, p95, p99 = np.percentile(milliseconds[WARMING:], [50, 95, 99])
    return {"search ms": f"{p50:.0f} / {p95:.0f} / {p99:.0f}", "not found again": f"{lost} of {given}"}


def cold_start(name: str, python: Path, store: Path, questions: QuestionSet) -> float:
    def once() -> float:
        with Tool(name, python, store) as tool:
            return float(
                tool.start_seconds + tool.ask("search", question=questions.queries[0].question, k=K)["seconds"]
            )

    return round(statistics.median(once() for _ in range(COLD_STARTS)), 2)


def sync_again(tool: Tool, corpus: Path, texts: Mapping[str, str], rows_before: int) -> dict[str, Any]:
    """Ingest twice more: with nothing changed, and with one line of one file in other words."""
    unchanged = tool.ask("ingest", folder=str(corpus))
    doubled = len(tool.ask("rows")["result"]) - rows_before
    doc, line = line_to_change(texts)
    (corpus / doc).write_bytes(texts[doc].replace(line, NEW_WORDS).encode())
    changed = tool.ask("ingest", folder=str(corpus))
    rows = tool.ask("rows")["result"]
    old, new = only_letters(line), only_letters(NEW_WORDS)
    return {
        "nothing changed s": round(unchanged["seconds"], 2),
        "doubled rows": doubled,
        "one line changed s": round(changed["seconds"], 2),
        "stale rows": sum(old in only_letters(text) for where, text in rows if where == doc),
        "new line found": any(new in only_letters(text) for where, text in rows if where == doc),
    }


def line_to_change(texts: Mapping[str, str]) -> tuple[str, str]:
    """Give a sentence that stands in one place alone."""
    counted = Counter(line for text in texts.values() for line in text.splitlines())
    for doc, text in sorted(texts.items()):
        if Path(doc).name.startswith("."):
            continue  # hidden: some tools leave it out
        for line in text.splitlines():
            if counted[line] == 1 and line[:1].isalpha() and 60 <= len(line) <= 200 and line.isascii():
                return doc, line
    raise SystemExit("the corpus has no plain line of 60 to 200 characters")


def only_letters(text: str) -> str:
    return "".join(filter(str.isalnum, text)).lower()


def print_tables(name: str, results: Sequence[Result]) -> None:
    questions = len(results[0].metrics["hit@1"])
    print(f"\n## {name} ({questions} questions)\n")
    names = list(results[0].figures)
    print(f"| | {' | '.join(names)} |\n|{' --- |' * (len(names) + 1)}")
    for each in results:
        print(f"| {each.tool} | {' | '.join(str(each.figures[figure]) for figure in names)} |")
    print(f"\n| | {' | '.join(METRICS)} |\n|{' --- |' * (len(METRICS) + 1)}")
    for each in results:
        cells = []
        for metric in METRICS:
            own = estimate(each.metrics[metric])
            cell = f"{own.mean:.2f} [{own.low:.2f}, {own.high:.2f}]"
            if each is not results[0]:
                to_first = difference(results[0].metrics[metric], each.metrics[metric])
                cell += f", {to_first.mean:+.3f} [{to_first.low:+.3f}, {to_first.high:+.3f}]"
            cells.append(cell)
        print(f"| {each.tool} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()

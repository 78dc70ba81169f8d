"""What ingestion costs beside the embedding that it cannot do without. All figures are of one run on one machine.

    python -m benchmarks.ingest FOLDER [--copies 10] [--json FILE]

Embedding is `minilm` throughout: the model whose weights the tutorial's script and LangChain's pipeline can be given.

FOLDER is any folder of Markdown. Ratios compare with

- bare: the same chunks through the same fp32 model in onnxruntime, sorted by length in batches, and nothing else
  (first and last, since a machine's speed drifts; the mean counts);
- stock: the way of pymilvus.model's own ONNX function, each text alone and padded to 512 tokens (on a sample).
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from config.settings import Settings
from ingest.find import find_docs, open_root
from ingest.load import decode, read_bytes
from ingest.pipeline import ingest
from ingest.report import SyncReport
from ingest.split import embedded_text
from ingest.splitter import make_splitter
from store.embeddings import EmbeddingModel, open_embedding
from store.weights import find_weights
from tests.support.milvus_server import MilvusServer

EMBEDDING = "minilm"
SEARCHES = 5
STOCK_SAMPLE = 40
STOCK_LENGTH = 512


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--copies", type=int, default=10, help="copies of the corpus for the second peak of memory")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        figures: dict[str, Any] = {}
        for name, value in measure(options.folder.resolve(), Path(scratch), options.copies):
            print(f"{name:<58} {value}", flush=True)
            figures[name] = value
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")


def measure(folder: Path, scratch: Path, copies: int) -> Iterator[tuple[str, Any]]:
    embedding = open_embedding(EMBEDDING)
    settings = Settings(milvus_uri=str(scratch / "bench.db"), embedding=EMBEDDING)
    copy = shutil.copytree(folder, scratch / "corpus")
    yield from embedding_share(settings, copy, embedding)
    yield from incremental(settings, copy, embedding)
    yield from as_processes(settings.milvus_uri, copy)
    yield from memory(folder, scratch, copies)


def embedding_share(settings: Settings, copy: Path, embedding: EmbeddingModel) -> Iterator[tuple[str, Any]]:
    seconds_to_split, texts = timed(lambda: split_all(copy, settings, embedding))
    yield "reading and splitting alone, s", round(seconds_to_split, 2)
    tokens = sum(len(embedding.token_starts(text)) for text in texts)
    embedding.embed(texts[:64])  # the model is loaded once, for everybody
    unique = list(dict.fromkeys(texts))
    bare_first, _ = timed(lambda: embedding.embed(unique))
    whole, report = timed(lambda: ingest(settings, copy, embeddings=[embedding]))
    bare_last, _ = timed(lambda: embedding.embed(unique))
    yield "files, chunks", f"{report.added}, {report.chunks}"
    yield "chunks embedded (equal texts once), tokens", f"{report.embedded}, {tokens}"
    yield "chunks/s, tokens/s, whole ingest", f"{report.embedded / whole:.1f}, {tokens / whole:.0f}"
    yield "whole ingest, s", round(whole, 1)
    yield "bare fp32 embedding, s (before, after)", f"{bare_first:.1f}, {bare_last:.1f}"
    yield "whole ingest / bare embedding", round(whole / ((bare_first + bare_last) / 2), 3)
    stock = STOCK_SAMPLE / stock_rate(unique)
    sample, _ = timed(lambda: embedding.embed(sampled(unique)))
    yield "stock way / ours, on a sample", round(stock / sample, 2)


def incremental(settings: Settings, copy: Path, embedding: EmbeddingModel) -> Iterator[tuple[str, Any]]:
    def run() -> tuple[float, SyncReport]:
        return timed(lambda: ingest(settings, copy, embeddings=[embedding]))

    for name, change in (("nothing changed", lambda _: None), ("one changed file", touch_one)):
        change(copy)
        seconds, report = run()
        yield f"{name}, s (chunks embedded)", f"{seconds:.2f} ({report.embedded})"


def as_processes(uri: str, copy: Path) -> Iterator[tuple[str, Any]]:
    environment = {"MILVUS_URI": uri, "ASKMD_EMBEDDING": EMBEDDING}
    yield "nothing changed, as a process, s", run_process(["ingest", str(copy)], environment)[0]
    seconds = sorted(
        run_process(["search", "How is data stored?", "--k", "3"], environment)[0] for _ in range(SEARCHES)
    )
    yield (
        f"cold search as a process, s (of {SEARCHES})",
        f"median {seconds[SEARCHES // 2]:.2f}, {seconds[0]:.2f} to {seconds[-1]:.2f}",
    )


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def split_all(folder: Path, settings: Settings, embedding: EmbeddingModel) -> list[str]:
    root = open_root(folder)
    split = make_splitter(settings, [embedding])
    sources = [decode(doc, read_bytes(root, doc)).text for doc in find_docs(root).docs]
    return [embedded_text(chunk) for source in sources for chunk in split(source).chunks]


def sampled(texts: Sequence[str]) -> list[str]:
    return list(texts[:: max(1, len(texts) // STOCK_SAMPLE)])[:STOCK_SAMPLE]


def stock_rate(texts: Sequence[str]) -> float:
    """Give texts a second in the stock way, with our weights: each alone, padded to the model's maximum."""
    import onnxruntime  # type: ignore[import-untyped]
    from tokenizers import Tokenizer

    weights = find_weights()
    tokenizer = Tokenizer.from_file(str(weights.folder / "tokenizer.json"))
    tokenizer.enable_truncation(STOCK_LENGTH)
    tokenizer.enable_padding(length=STOCK_LENGTH)
    session = onnxruntime.InferenceSession(str(weights.folder / "onnx/model.onnx"), providers=["CPUExecutionProvider"])

    def embed_one(text: str) -> Any:
        encoding = tokenizer.encode(text)
        feed = {
            "input_ids": np.array([encoding.ids], np.int64),
            "attention_mask": np.array([encoding.attention_mask], np.int64),
            "token_type_ids": np.zeros((1, STOCK_LENGTH), np.int64),
        }
        return session.run(["last_hidden_state"], feed)

    sample = sampled(texts)
    embed_one(sample[0])
    seconds, _ = timed(lambda: [embed_one(text) for text in sample])
    return len(sample) / seconds


def touch_one(folder: Path) -> None:
    doc = folder / find_docs(open_root(folder)).docs[0]
    doc.write_text(doc.read_text("utf-8") + "\n\nA paragraph that was not there before.\n", "utf-8")


def run_process(words: Sequence[str], environment: Mapping[str, str]) -> tuple[float, int]:
    """Run askmd as a process of its own; give its seconds and its peak memory in MB."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", "from askmd.main import run; run()", *words],
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return round(time.perf_counter() - started, 2), usage.ru_maxrss // 1024


def memory(folder: Path, scratch: Path, copies: int) -> Iterator[tuple[str, Any]]:
    """Ingest the corpus, and so many copies of it, each with a store of its own; copies of a text are embedded once."""
    many = scratch / "many"
    for number in range(copies):
        shutil.copytree(folder, many / str(number))
    for kind, serve in (("Milvus Lite file", lite_file), ("a server's client", server)):
        peaks = []
        for times, corpus in ((1, folder), (copies, many)):
            with serve(scratch / f"{kind} {times}") as uri:
                environment = {"ASKMD_EMBEDDING": EMBEDDING, "MILVUS_URI": uri}
                seconds, peak = run_process(["ingest", str(corpus)], environment)
            peaks.append(peak)
            yield f"{kind}: peak memory, MB (s), {times}x", f"{peak} ({seconds})"
        yield f"{kind}: peak memory {copies}x / 1x", round(peaks[1] / peaks[0], 2)


@contextmanager
def lite_file(path: Path) -> Iterator[str]:
    yield str(path.with_suffix(".db"))


@contextmanager
def server(data: Path) -> Iterator[str]:
    with MilvusServer(data) as running:
        yield running.uri


if __name__ == "__main__":
    main()

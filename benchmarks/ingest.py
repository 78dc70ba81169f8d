"""What ingestion costs beside the embedding that it cannot do without. All figures are of one run on one machine.

    python -m benchmarks.ingest FOLDER [--copies 10] [--json FILE]

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
from pathlib import Path
from typing import Any

import numpy as np

from config.settings import Settings
from ingest.load import decode, find_docs, open_root, read_bytes
from ingest.pipeline import ingest, make_splitter
from ingest.split import embedded_text
from store.embeddings import EmbeddingModel, open_embedding
from store.weights import find_weights

STOCK_SAMPLE = 40
STOCK_LENGTH = 512


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--copies", type=int, default=10, help="how many times the corpus for the second peak of memory"
    )
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
    embedding = open_embedding("minilm")
    settings = Settings(milvus_uri=str(scratch / "bench.db"), embedding="minilm")
    seconds_to_split, texts = timed(lambda: split_all(folder, settings, embedding))
    tokens = sum(len(embedding.token_starts(text)) for text in texts)
    embedding.embed(texts[:64])  # the model is loaded once, for everybody
    unique = list(dict.fromkeys(texts))
    bare_first, _ = timed(lambda: embedding.embed(unique))
    copy = shutil.copytree(folder, scratch / "corpus")
    whole, report = timed(lambda: ingest(settings, copy, embeddings=[embedding]))
    bare_last, _ = timed(lambda: embedding.embed(unique))
    bare = (bare_first + bare_last) / 2
    stock = STOCK_SAMPLE / stock_rate(unique)
    sample = timed(lambda: embedding.embed(sampled(unique)))[0]
    again = timed(lambda: ingest(settings, copy, embeddings=[embedding]))
    touch_one(copy)
    one = timed(lambda: ingest(settings, copy, embeddings=[embedding]))
    assert again[1].embedded == 0
    process = {"MILVUS_URI": settings.milvus_uri}
    yield from {
        "files": report.added,
        "chunks": report.chunks,
        "chunks embedded (equal texts once)": report.embedded,
        "tokens": tokens,
        "chunks/s, whole ingest": round(report.embedded / whole, 1),
        "tokens/s, whole ingest": round(tokens / whole),
        "reading and splitting alone, s": round(seconds_to_split, 2),
        "whole ingest, s": round(whole, 1),
        "bare fp32 embedding, s (before, after)": f"{bare_first:.1f}, {bare_last:.1f}",
        "whole ingest / bare embedding": round(whole / bare, 3),
        "stock way / ours, on a sample": round(stock / sample, 2),
        "second run, nothing changed, s (chunks embedded)": f"{again[0]:.2f} ({again[1].embedded})",
        "one changed file, s (chunks embedded)": f"{one[0]:.2f} ({one[1].embedded})",
        "second run as a process, s": run_process(["ingest", str(copy)], process)[0],
        "cold search as a process, s (of five)": cold_search(process),
    }.items()
    yield from memory(folder, scratch, copies).items()


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
    import onnxruntime
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


def cold_search(environment: Mapping[str, str]) -> str:
    seconds = sorted(run_process(["search", "How is data stored?", "--k", "3"], environment)[0] for _ in range(5))
    return f"median {seconds[2]:.2f}, {seconds[0]:.2f} to {seconds[-1]:.2f}"


def memory(folder: Path, scratch: Path, copies: int) -> dict[str, Any]:
    """Ingest the corpus, and so many copies of it, each with a store of its own; copies of a text are embedded once."""
    many = scratch / "many"
    for number in range(copies):
        shutil.copytree(folder, many / str(number))
    once = run_process(["ingest", str(folder)], {"MILVUS_URI": str(scratch / "once.db")})
    often = run_process(["ingest", str(many)], {"MILVUS_URI": str(scratch / "often.db")})
    return {
        "peak memory, MB (1x)": once[1],
        f"peak memory, MB ({copies}x, {often[0]} s)": often[1],
        f"peak memory {copies}x / 1x": round(often[1] / once[1], 2),
    }


if __name__ == "__main__":
    main()

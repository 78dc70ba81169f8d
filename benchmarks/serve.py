"""How many streams `askmd serve` holds, and what it adds to the first token of the model server behind it.

    python -m benchmarks.serve [--streams 1,8,32,64] [--seconds 8] [--soak SECONDS] [--json FILE]

Three processes beside this one's clients: a scripted model server, which streams an answer of 60 tokens 20 ms apart,
and `askmd serve` in front of it, over the pages of docs/ in a store made for the run. For each number of streams at
once, two targets take their turn in the same run: the model server itself, asked directly (bare), and askmd, by the
OpenAI-compatible endpoint. A client asks again as soon as its answer has ended. `--soak` then keeps the largest number
of streams at askmd for so long, and samples memory and open files of the server's processes.

The bare figures show when it is the model server, or this program, that is slow: its whole answer takes 1.2 s if not.
"""

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import httpx2
import numpy as np

from config.settings import Settings
from ingest.pipeline import ingest
from tests.support.chat_replies import Reply
from tests.support.chat_server import ChatServer
from tests.support.command import ASKMD
from tests.support.milvus_server import free_port

DOCS = Path(__file__).parents[1] / "docs"
TOKENS, DELAY = 60, 0.02
QUESTIONS = (
    "What does ingest do with files that did not change?",
    "How do I use another chat model?",
    "Where is a Milvus Lite file kept?",
    "What happens when a model fails?",
    "How are citations checked?",
)
SAMPLE_SECONDS = 5.0


@dataclass
class Figures:
    """What clients saw: seconds to the first token and to the end, and what went wrong."""

    first: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--streams", default="1,8,32,64", help="numbers of streams at once, with commas between")
    parser.add_argument("--seconds", type=float, default=8.0, help="for each number and target")
    parser.add_argument("--soak", type=float, default=0.0, help="seconds")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    numbers = [int(number) for number in options.streams.split(",")]
    results: dict[str, Any] = {"levels": [], "soak": []}
    with (
        tempfile.TemporaryDirectory() as folder,
        model_server() as model,
        askmd_server(Path(folder), model, max(numbers)) as (askmd, process),
    ):
        targets = {"bare": f"{model}/chat/completions", "askmd": f"{askmd}/v1/chat/completions"}
        asyncio.run(load(targets["askmd"], 2, 3.0, Figures()))  # opens the store and the embedding models
        print("| streams | target | answers | errors | first token p50, ms | p99 | whole p50, s | p99 | CPU ms each |")
        print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
        for number in numbers:
            for name, address in targets.items():
                figures = Figures()
                before = held(process.pid)["cpu_seconds"]
                asyncio.run(load(address, number, options.seconds, figures))
                cpu = held(process.pid)["cpu_seconds"] - before if name == "askmd" else None
                results["levels"].append(shown(number, name, figures, cpu))
        if options.soak:
            results["soak"] = asyncio.run(soak(targets["askmd"], max(numbers), options.soak, process.pid))
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n", "utf-8")


def shown(number: int, name: str, figures: Figures, cpu: float | None) -> dict[str, Any]:
    """Print a row, and give it. `cpu` is the seconds that the processes of askmd took meanwhile."""
    an_answer = "" if cpu is None or not figures.whole else f"{cpu / len(figures.whole) * 1e3:.0f}"
    first = np.percentile(figures.first, [50, 99]) * 1e3 if figures.first else [np.nan] * 2
    whole = np.percentile(figures.whole, [50, 99]) if figures.whole else [np.nan] * 2
    print(
        f"| {number} | {name} | {len(figures.whole)} | {len(figures.errors)} "
        f"| {first[0]:.0f} | {first[1]:.0f} | {whole[0]:.2f} | {whole[1]:.2f} | {an_answer} |",
        flush=True,
    )
    for error in sorted(set(figures.errors))[:3]:
        print(f"\n{figures.errors.count(error)} times: {error}\n", file=sys.stderr)
    return {"streams": number, "target": name, "cpu": cpu, **vars(figures)}


async def load(address: str, number: int, seconds: float, figures: Figures) -> None:
    """Keep so many streams open for so long; those that run then are still read to their end."""
    end = time.perf_counter() + seconds
    limits = httpx2.Limits(max_connections=number, max_keepalive_connections=number)
    async with httpx2.AsyncClient(timeout=60, limits=limits, trust_env=False) as client:
        await asyncio.gather(*(ask_again(client, address, n, end, figures) for n in range(number)))


async def ask_again(client: httpx2.AsyncClient, address: str, n: int, end: float, figures: Figures) -> None:
    while time.perf_counter() < end:
        try:
            await ask(client, address, QUESTIONS[n % len(QUESTIONS)], figures)
        except (httpx2.HTTPError, ValueError, KeyError) as error:
            figures.errors.append(f"{type(error).__name__}: {error}"[:200])
            await asyncio.sleep(0.1)
        n += 1


async def ask(client: httpx2.AsyncClient, address: str, question: str, figures: Figures) -> None:
    """Read one stream. Raises ValueError for one that does not come to its end."""
    body = {"model": "bench", "stream": True, "messages": [{"role": "user", "content": question}]}
    began = time.perf_counter()
    first = finish = None
    async with client.stream("POST", address, json=body) as response:
        if response.status_code != 200:
            raise ValueError(f"{response.status_code} {(await response.aread())[:150]!r}")
        async for line in response.aiter_lines():
            if not line.startswith("data: {"):
                continue
            chunk = json.loads(line.removeprefix("data: "))
            for choice in chunk["choices"]:
                if first is None and choice["delta"].get("content"):
                    first = time.perf_counter()
                finish = choice["finish_reason"] or finish
    if first is None or finish != "stop":
        raise ValueError(f"no whole answer: finish_reason {finish!r}")
    figures.first.append(first - began)
    figures.whole.append(time.perf_counter() - began)


async def soak(address: str, number: int, seconds: float, pid: int) -> list[dict[str, Any]]:
    """Keep the streams open, and print a row of what the server's processes hold every few seconds."""
    print("\n| seconds | answers | errors | memory, MB | open files | first token p99, ms |")
    print("| --- | --- | --- | --- | --- | --- |")
    rows: list[dict[str, Any]] = []
    figures = Figures()
    began = time.perf_counter()
    running = asyncio.create_task(load(address, number, seconds, figures))
    while not running.done():
        done, _ = await asyncio.wait([running], timeout=SAMPLE_SECONDS)
        passed = time.perf_counter() - began
        if rows and not done and passed - rows[-1]["seconds"] < seconds / 40:
            continue
        since = sum(row["answers"] for row in rows)
        latest = figures.first[since:]
        row: dict[str, Any] = {"seconds": passed, "answers": len(latest), "errors": len(figures.errors), **held(pid)}
        row["first_p99"] = float(np.percentile(latest, 99)) * 1e3 if latest else None
        rows.append(row)
        late = f"{row['first_p99']:.0f}" if latest else "none"
        print(
            f"| {passed:.0f} | {row['answers']} | {row['errors']} "
            f"| {row['megabytes']:.0f} | {row['files']:.0f} | {late} |",
            flush=True,
        )
    await running
    return rows


def held(pid: int) -> dict[str, float]:
    """Give the resident memory, the open files and the CPU time of a process and its children (Linux)."""
    found = {"cpu_seconds": 0.0, "megabytes": 0.0, "files": 0.0}
    for each in [pid, *_children(pid)]:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended in the meantime
            status = Path(f"/proc/{each}/status").read_text("utf-8")
            times = Path(f"/proc/{each}/stat").read_text("utf-8").rpartition(")")[2].split()[11:13]
            found["files"] += len([*Path(f"/proc/{each}/fd").iterdir()])
            found["megabytes"] += int(status.split("VmRSS:")[1].split()[0]) / 1e3 if "VmRSS:" in status else 0.0
            found["cpu_seconds"] += sum(map(int, times)) / os.sysconf("SC_CLK_TCK")
    return found


def _children(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").iterdir():
        children = ""
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a thread that has ended in the meantime
            children = (task / "children").read_text("utf-8")
        for child in children.split():
            yield int(child)
            yield from _children(int(child))


@contextlib.contextmanager
def model_server() -> Iterator[str]:
    """Run the scripted model server in a process of its own."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve_model, args=(there,))
    process.start()
    try:
        yield here.recv()
    finally:
        here.send("end")
        process.join()


def _serve_model(pipe: Connection) -> None:
    reply = Reply(" ".join(["word"] * (TOKENS - 1)) + " [1].", delay=DELAY)
    with ChatServer(default=reply) as server:
        server.requests = Forgetful()
        pipe.send(server.base_url)
        pipe.recv()


class Forgetful(list[Any]):
    """Keeps nothing: a soak makes tens of thousands of requests."""

    def append(self, _item: Any) -> None:
        """Forget it."""


@contextlib.contextmanager
def askmd_server(folder: Path, model: str, streams: int) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Ingest docs/ and run `askmd serve` over it, with limits that the load does not reach."""
    store = str(folder / "store.db")
    ingest(Settings(milvus_uri=store, _env_file=None), DOCS)
    entry = {"base_url": model, "model": "scripted", "max_concurrency": min(100, streams + 8)}
    environment = {
        **os.environ,
        "MILVUS_URI": store,
        "ASKMD_LLM": "bench",
        "ASKMD_MODELS": json.dumps({"bench": entry}),
        "ASKMD_MAX_ANSWERS": str(streams + 8),
        "ASKMD_REQUESTS_PER_MINUTE": "1000000",
    }
    port = free_port()
    command = [ASKMD, "serve", "--port", str(port)]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log) as process,
    ):
        try:
            wait_until_ready(f"http://127.0.0.1:{port}/readyz", process, folder / "log")
            yield f"http://127.0.0.1:{port}", process
        finally:
            process.terminate()


def wait_until_ready(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(httpx2.HTTPError):
            if httpx2.get(address, trust_env=False).status_code == 200:
                return
        time.sleep(0.2)
    raise RuntimeError(f"askmd serve did not become ready: {log.read_text('utf-8')[-2000:]}")


if __name__ == "__main__":
    main()

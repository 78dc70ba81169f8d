"""A tool behind a pipe: one JSON object a line in, one out. Runs in the tool's own environment, with nothing of ours.

    python harness.py TOOL STORE_FOLDER

A tool is a module beside this one with a class `Peer(store: Path)` that has `ingest(folder)`, `search(question, k)` and
`rows()`, the last two giving [file below the folder, text] pairs. What tools print goes to stderr.
"""

import importlib
import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any


def main() -> None:
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    started = time.perf_counter()
    peer = importlib.import_module(sys.argv[1]).Peer(Path(sys.argv[2]))
    print(json.dumps({"seconds": time.perf_counter() - started}), file=replies, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        started = time.perf_counter()
        result = answer(peer, request)
        seconds = time.perf_counter() - started
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(json.dumps({"seconds": seconds, "peak_mb": peak, "result": result}), file=replies, flush=True)


def answer(peer: Any, request: dict[str, Any]) -> Any:
    match request["do"]:
        case "ingest":
            return peer.ingest(Path(request["folder"]))
        case "search":
            return peer.search(request["question"], request["k"])
        case "rows":
            return peer.rows()
    raise ValueError(request)


if __name__ == "__main__":
    main()

"""A small experiment about tea: two questions that the handbook answers, one that it does not."""

import json
from pathlib import Path
from typing import Any

from config.settings import Settings
from experiments.spec import Spec, read_spec
from tests.support.chat_server import ChatServer
from tests.support.corpus import COFFEE, FILES, TEA
from tests.support.stores import write_files

STEEP = "Green tea steeps for two minutes at 75 degrees."
OKAFOR = "repaired by Ms Okafor"
assert STEEP in TEA
assert OKAFOR in COFFEE
LINES: list[dict[str, Any]] = [
    {"id": "steep", "lang": "en", "kind": "fact", "question": "How long should green tea steep?",
     "answers": ["For two minutes."], "key_facts": ["two minutes"], "relevant": [{"doc": "tea.md", "excerpt": STEEP}]},
    {"id": "repair", "lang": "en", "kind": "fact", "question": "Who repairs the machine?", "answers": ["Ms Okafor."],
     "relevant": [{"doc": "drinks/coffee.md", "excerpt": OKAFOR}]},
    {"id": "cup", "lang": "en", "kind": "none", "question": "Who won the cup in 1998?", "relevant": []},
]  # fmt: skip


def write_spec(folder: Path, matrix: str = 'llm = ["offline"]', head: str = "") -> Spec:
    """Write a spec with its questions and its corpus, and read it."""
    write_files(folder / "handbook", FILES)
    (folder / "questions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in LINES), "utf-8")
    text = f'name = "tea"\nqueries = "questions.jsonl"\ncorpus = "handbook"\n{head}\n[matrix]\n{matrix}\n'
    (folder / "spec.toml").write_text(text, "utf-8")
    return read_spec(folder / "spec.toml")


def settings(server: ChatServer | None = None, **more: Any) -> Settings:
    """Entries `one` and `two` lead to the scripted server; the light encoder is enough here."""
    models = {} if server is None else {name: _entry(server, name) for name in ("one", "two")}
    return Settings(embedding="minilm", models=models, **more)


def _entry(server: ChatServer, name: str) -> dict[str, Any]:
    prices = {"input": 1.0, "cached_input": 0.1, "output": 2.0, "checked": "2026-11-22"}
    return {"base_url": server.root_url, "model": name, "max_retries": 0, "prices": prices, "context_tokens": 8000}

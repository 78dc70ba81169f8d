"""`askmd doctor`: everything that has to work, looked at one by one, with what to do where it does not."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

import typer

from chains.prompting.prompts import find_prompt, load_prompts
from chains.retrieval.rerankers import configured_reranker
from chains.retrieval.retrieve import open_query_embeddings
from config.errors import AskmdError
from config.models import find_model
from config.settings import Settings
from store.connection import without_credentials
from store.embeddings import configured_embeddings
from store.milvus import open_store_if_any

State = Literal["ok", "warn", "fail"]
_MARKS = {"ok": "ok  ", "warn": "warn", "fail": "FAIL"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    state: State
    text: str

    def to_json(self) -> dict[str, Any]:
        """Give it as plain values."""
        return asdict(self)


def examine() -> list[Finding]:
    """Look at everything; without settings there is nothing else to look at."""
    try:
        settings = Settings()
    except AskmdError as error:
        return [Finding("settings", "fail", str(error))]
    checks: list[tuple[str, Callable[[Settings], Iterator[Finding]]]] = [
        ("prompt", _prompt),
        ("chat model", _chat_model),
        ("fallback", _fallbacks),
        ("embedding", _embedding),
        ("reranker", _reranker),
        ("store", _store),
    ]
    findings = [Finding("settings", "ok", "readable")]
    for what, check in checks:
        try:
            findings += check(settings)
        except AskmdError as error:
            findings.append(Finding(what, "fail", str(error)))
    return findings


def _prompt(settings: Settings) -> Iterator[Finding]:
    prompts = load_prompts(settings.prompts_dir)
    prompt = find_prompt(prompts, settings.prompt)
    yield Finding("prompt", "ok", f"{prompt.name}; {len(prompts)} prompt files are well-formed")


def _chat_model(settings: Settings) -> Iterator[Finding]:
    state, text = _key_of(settings, settings.llm)
    yield Finding("chat model", state, text if state == "ok" else f"{text}; without one, ask with --llm offline")


def _fallbacks(settings: Settings) -> Iterator[Finding]:
    for name in settings.fallbacks:
        yield Finding("fallback", *_key_of(settings, name))


def _key_of(settings: Settings, name: str) -> tuple[State, str]:
    spec = find_model(settings.chat_models(), name)
    if spec.api_key_env is None:
        return "ok", f"{spec.name}: needs no key"
    if settings.chat_key(spec):
        return "ok", f"{spec.name}: {spec.api_key_env} is set, for {spec.host or spec.model}"
    where = f"; get a key at {spec.key_page}" if spec.key_page else ""
    return "warn", f"{spec.name}: {spec.api_key_env} is not set{where}"


def _embedding(settings: Settings) -> Iterator[Finding]:
    for embedding in configured_embeddings(settings):
        vector = embedding.embed_queries(["Does it work?"])[0]
        yield Finding("embedding", "ok", f"{embedding.name}: gives {len(vector)} dimensions")


def _reranker(settings: Settings) -> Iterator[Finding]:
    if reranker := configured_reranker(settings):
        reranker.scores("Does it work?", ["It works.", "It rains."])
        yield Finding("reranker", "ok", f"{reranker.name}: gives a score for each passage")


def _store(settings: Settings) -> Iterator[Finding]:
    shown = f"{without_credentials(settings.milvus_uri)}, collection {settings.collection}"
    store = open_store_if_any(settings)
    if store is None:
        yield Finding("store", "warn", f"{shown}: nothing was ingested yet; run: askmd ingest PATH")
        return
    with store:
        open_query_embeddings(settings, store)
        yield Finding("store", "ok", f"{shown}: {store.count()} chunks in {len(store.roots())} roots")


def print_findings(findings: list[Finding]) -> None:
    """Show a line for each."""
    for finding in findings:
        typer.echo(f"{_MARKS[finding.state]}  {finding.what}: {finding.text}")

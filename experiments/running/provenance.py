"""What a run notes about itself, so that it can be understood and repeated: never a key, never an address."""

import hashlib
import json
import platform
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from chains.prompting.prompts import load_prompts
from config.settings import Settings
from experiments.measuring.judge import prompt_hash
from experiments.queries import Query
from experiments.records import Arm
from experiments.running.reported import reported
from experiments.spec import Spec

_OF_NO_WEIGHT = {"llm", "prompt", "fallbacks", "trusted_hosts", "milvus_timeout", "rerank_timeout", "collection"}
"""Settings that arms have of their own, or that change no result."""

LIBRARIES = ("askmd", "langchain", "langchain-core", "langchain-milvus", "langchain-openai", "pymilvus", "milvus-lite")


def provenance(spec: Spec, settings: Settings, arms: Sequence[Arm], queries: Sequence[Query]) -> dict[str, Any]:
    """Give the spec, the settings, the versions, the prompts and the questions of a run."""
    prompts = load_prompts(settings.prompts_dir)
    models = settings.chat_models()
    return {
        "name": spec.name,
        "begun": datetime.now(UTC).isoformat(timespec="seconds"),
        "spec": {**spec.model_dump(mode="json"), "queries": spec.queries.name, "corpus": _name(spec)},
        "settings": reported(settings),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}},
        "prompts": {name: {"sha256": _hash(asdict(prompts[name])), **asdict(prompts[name])} for name in _used(arms)},
        "models": {name: models[name].model for name in dict.fromkeys(arm.llm for arm in arms)},
        "arms": [arm.model_dump(mode="json") for arm in arms],
        "questions": [asdict(query) for query in queries],
    }


def decisive(spec: Spec, settings: Settings, arms: Sequence[Arm], corpus_hash: str) -> dict[str, str]:
    """Give hashes of all that must be the same when a run goes on, by what a reader calls it; arms may be added."""
    prompts = load_prompts(settings.prompts_dir)
    models = settings.chat_models()
    times = {"connect_timeout", "timeout", "first_token_timeout", "answer_timeout", "max_concurrency"}
    return {
        "question file": hashlib.sha256(spec.queries.read_bytes()).hexdigest(),
        "corpus": corpus_hash,
        "seed": str(spec.seed),
        "judge": f"{spec.judge} {prompt_hash('judge.md') if spec.judge else ''}",
        "settings": _hash({name: value for name, value in reported(settings).items() if name not in _OF_NO_WEIGHT}),
        **{f"prompt {name}": _hash(asdict(prompts[name])) for name in _used(arms)},
        **{f"arm {arm.name!r}": _hash(arm.model_dump(mode="json")) for arm in arms},
        **{
            f"model {name!r}": _hash(models[name].model_dump(mode="json", exclude=times))
            for name in {arm.llm for arm in arms}
        },
    }


def _used(arms: Sequence[Arm]) -> list[str]:
    return list(dict.fromkeys(arm.prompt for arm in arms))


def _name(spec: Spec) -> str | None:
    return spec.corpus.name if spec.corpus else None


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()

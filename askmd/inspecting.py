"""`askmd models`, `askmd prompts` and `askmd status`."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer

from chains.prompting.prompts import load_prompts
from chains.retrieval.calibration import calibration_of
from config.errors import ConfigError
from config.models import ChatModelSpec
from config.settings import Settings
from ingest.drift import find_drift
from store.connection import is_lite, without_credentials
from store.milvus import open_store


def describe_models(settings: Settings) -> list[dict[str, Any]]:
    """Give a row for each entry of the registry; whether its key is there, never the key."""
    return [
        {
            "name": spec.name,
            "default": spec.name == settings.llm,
            "model": spec.model,
            "host": spec.host,
            "thinking": {"enabled": True, "disabled": False}.get(spec.thinking or ""),
            "key": _key_state(settings, spec),
            "context_tokens": spec.context_tokens,
            "prices": spec.prices.model_dump(mode="json") if spec.prices else None,
            "description": spec.description,
        }
        for spec in settings.chat_models().values()
    ]


def print_models(rows: Sequence[Mapping[str, Any]]) -> None:
    """Show what `describe_models` gave; what is not known is left blank, and thinking that is no choice is, too."""
    shown = {True: "on", False: "off", None: ""}
    print_table(
        [
            {
                **{key: row[key] for key in ("name", "default", "model")},
                "thinking": shown[row["thinking"]],
                "key": row["key"],
                "context": f"{row['context_tokens']:,}" if row["context_tokens"] else "",
                "$ per million tokens": _price(row["prices"]) if row["prices"] else "",
                "description": row["description"],
            }
            for row in rows
        ]
    )


def _price(prices: Mapping[str, Any]) -> str:
    cached = "" if prices["cached_input"] is None else f", {prices['cached_input']:g} cached"
    return f"{prices['input']:g} in{cached}, {prices['output']:g} out ({prices['checked']})"


def _key_state(settings: Settings, spec: ChatModelSpec) -> str:
    if spec.api_key_env is None:
        return "sought by its package" if spec.provider == "langchain" else "not needed"
    try:
        return f"{spec.api_key_env} {'set' if settings.chat_key(spec) else 'missing'}"
    except ConfigError:
        return f"{spec.api_key_env} withheld from {spec.host}"


def describe_prompts(settings: Settings) -> list[dict[str, Any]]:
    """Give a row for each prompt."""
    prompts = load_prompts(settings.prompts_dir)
    return [
        {"name": name, "default": name == settings.prompt, "description": prompt.description}
        for name, prompt in prompts.items()
    ]


def describe_store(settings: Settings, *, check: bool = False) -> dict[str, Any]:
    """Tell what the store holds, and with `check` how far its sources have moved on.

    Raises StoreError where it cannot be opened or nothing was ingested.
    """
    with open_store(settings) as store:
        return {
            "uri": without_credentials(settings.milvus_uri),
            "collection": settings.collection,
            "chunks": store.count(),
            "bytes": _size(Path(settings.milvus_uri)) if is_lite(settings.milvus_uri) else None,
            "fingerprint": asdict(store.fingerprint),
            "gate": asdict(found) if (found := calibration_of(store)) else None,
            "roots": [
                {
                    "name": name,
                    "path": path,
                    "files": len(store.file_hashes(name)),
                    "chunks": store.chunks_of(name),
                    **(asdict(find_drift(store, name, path)) if check else {}),
                }
                for name, path in store.roots().items()
            ],
        }


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def print_status(found: Mapping[str, Any]) -> None:
    """Show what `describe_store` found."""
    built = found["fingerprint"]
    size = f", {found['bytes'] / 1e6:.1f} MB" if found["bytes"] is not None else ""
    typer.echo(f"{found['uri']}, collection {found['collection']}: {found['chunks']} chunks{size}")
    typer.echo(
        f"built with embedding {built['embedding']} ({'+'.join(map(str, built['dims']))} dimensions), "
        f"splitter {built['splitter']}, chunks of {built['chunk_tokens']} tokens at most"
        f"{'' if built['index'] == 'FLAT' else ', index ' + built['index']}"
    )
    if gate := found["gate"]:
        typer.echo(describe_gate(gate))
    kinds = ("changed", "gone", "new")
    print_table(
        [{key: len(value) if key in kinds else value for key, value in root.items()} for root in found["roots"]]
    )
    for root in found["roots"]:
        for kind in kinds:
            for doc in root.get(kind, ()):
                typer.echo(f"{kind}: {root['name']}/{doc}")


def describe_gate(gate: Mapping[str, Any]) -> str:
    """Say what a calibrated gate does."""
    refused = f"{gate['refused_unanswerable']} of {gate['unanswerable']} unanswerable"
    wrongly = f"{gate['refused_answerable']} of {gate['answerable']} answerable"
    return f"evidence gate: a confidence below {gate['threshold']:.3f} refuses {refused} and {wrongly} questions"


def print_table(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print rows with their columns aligned; a `default` column becomes a star."""
    shown = [{key: _cell(key, value) for key, value in row.items()} for row in rows]
    if not shown:
        return
    header = {key: "" if key == "default" else key for key in shown[0]}
    widths = {key: max(len(row[key]) for row in [header, *shown]) for key in header}
    for row in [header, *shown]:
        typer.echo("  ".join(row[key].ljust(widths[key]) for key in header).rstrip())


def _cell(key: str, value: Any) -> str:
    if key == "default":
        return "*" if value else ""
    if isinstance(value, bool):
        return "yes" if value else ""
    return str(value)

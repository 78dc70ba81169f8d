"""`askmd models`, `askmd prompts` and `askmd status`."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import typer

from chains.prompts import load_prompts
from config.errors import ConfigError
from config.models import ChatModelSpec
from config.settings import Settings
from store.connection import without_credentials
from store.filters import equals
from store.milvus import open_store


def describe_models(settings: Settings) -> list[dict[str, Any]]:
    """Give a row for each entry of the registry; whether its key is there, never the key."""
    return [
        {
            "name": spec.name,
            "default": spec.name == settings.llm,
            "model": spec.model,
            "host": spec.host,
            "thinking": spec.thinking == "enabled",
            "key": _key_state(settings, spec),
            "description": spec.description,
        }
        for spec in settings.chat_models().values()
    ]


def _key_state(settings: Settings, spec: ChatModelSpec) -> str:
    if spec.api_key_env is None:
        return "not needed"
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


def describe_store(settings: Settings) -> dict[str, Any]:
    """Tell what the store holds. Raises StoreError where it cannot be opened or nothing was ingested."""
    with open_store(settings) as store:
        return {
            "uri": without_credentials(settings.milvus_uri),
            "collection": settings.collection,
            "chunks": store.count(),
            "fingerprint": asdict(store.fingerprint),
            "roots": [
                {
                    "name": name,
                    "path": path,
                    "files": len(store.docs(name)),
                    "chunks": store.count(equals("root", name)),
                }
                for name, path in store.roots().items()
            ],
        }


def print_status(found: Mapping[str, Any]) -> None:
    """Show what `describe_store` found."""
    built = found["fingerprint"]
    typer.echo(f"{found['uri']}, collection {found['collection']}: {found['chunks']} chunks")
    typer.echo(
        f"built with embedding {built['embedding']} ({built['dim']} dimensions), "
        f"splitter {built['splitter']}, chunks of {built['chunk_tokens']} tokens at most"
    )
    print_table(found["roots"])


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

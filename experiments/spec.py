"""What an experiment is: questions, and the matrix of what is asked them. Read from TOML."""

import tomllib
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from chains.prompting.prompts import Prompt, find_prompt, load_prompts
from config.errors import ConfigError
from config.models import find_model
from config.settings import USER_ONLY_SETTINGS, Mode, Order, Settings
from experiments.queries import describe
from experiments.records import Arm, Context

BARE = "bare"
"""The prompt of a model that is asked without passages, unless the matrix names another one without retrieval."""

RETRIEVAL = ("k", "mode", "order", "embedding", "chunk_tokens")

NOT_OF_A_SPEC = USER_ONLY_SETTINGS | {
    "milvus_uri", "collection", "prompts_dir", "models", "embedding_base_url", "embedding_key_env",
    "rerank_base_url", "rerank_key_env",
}  # fmt: skip
"""A spec from elsewhere must not decide where keys go, or which places of this machine are used."""


class Matrix(BaseModel):
    """The values of each axis; one that is left out has the value of the settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompt: tuple[str, ...] = ()
    llm: tuple[str, ...] = ()
    context: tuple[Context, ...] = ("rag",)
    k: tuple[int, ...] = ()
    mode: tuple[Mode, ...] = ()
    order: tuple[Order, ...] = ()
    embedding: tuple[str, ...] = ()
    chunk_tokens: tuple[int, ...] = ()


class Spec(BaseModel):
    """An experiment. Paths are relative to the spec's file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[\w-]+$")
    queries: Path
    corpus: Path | None = None
    """A folder or file of Markdown that is ingested for the run; without it the store of the settings is asked."""
    matrix: Matrix = Matrix()
    repeats: int = Field(default=1, ge=1)
    seed: int = 0
    """Decides the order of the questions, and the resamples of the statistics."""
    concurrency: int = Field(default=4, ge=1, le=64)
    judge: str | None = None
    """A chat model that judges the answers."""
    pairwise: bool = False
    """Whether the judge also says which of two arms' answers it prefers."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """Settings of all arms."""


def read_spec(path: Path) -> Spec:
    """Read a spec. Raises ConfigError that names the file and what is wrong in it."""
    try:
        given = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {path}: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from None
    try:
        spec = Spec(**given)
    except ValidationError as error:
        raise ConfigError(f"{path}: {describe(error)}") from None
    if spec.pairwise and not spec.judge:
        raise ConfigError(f"{path}: pairwise: there is no `judge` to say which answer it prefers")
    for name in spec.settings:
        if name in NOT_OF_A_SPEC or name not in Settings.model_fields:
            raise ConfigError(f"{path}: settings.{name} is no setting that a spec may make")
    places = {"queries": path.parent / spec.queries}
    if spec.corpus:
        places["corpus"] = path.parent / spec.corpus
    return spec.model_copy(update=places)


def settings_of(spec: Spec, settings: Settings) -> Settings:
    """Put the settings of the spec over the user's. Raises ConfigError for a value that is none."""
    return changed(settings, spec.settings)


def changed(settings: Settings, changes: dict[str, Any]) -> Settings:
    """Give settings with other values, checked as the first ones were. Raises ConfigError."""
    if not changes:
        return settings
    checked = Settings(**changes)
    return settings.model_copy(update={name: getattr(checked, name) for name in changes})


def arms(spec: Spec, settings: Settings) -> list[Arm]:
    """Give the cells of the matrix, each once; settings are those of the spec.

    A model without passages has no retrieval settings, and no prompt that speaks of passages. Raises ConfigError for
    a name that does not exist, and for what no store can have.
    """
    prompts = load_prompts(settings.prompts_dir)
    models = settings.chat_models()
    cells = dict.fromkeys(_cells(spec.matrix, settings, prompts))
    for prompt, llm, _, _ in cells:
        find_prompt(prompts, prompt)
        find_model(models, llm)
    if spec.judge:
        find_model(models, spec.judge)
    if not spec.corpus and (spec.matrix.embedding or spec.matrix.chunk_tokens):
        raise ConfigError("embedding and chunk_tokens can vary only where the spec names a `corpus` to ingest")
    named = list(cells)
    return [
        Arm(name=_name(cell, named), prompt=cell[0], llm=cell[1], context=cell[2], settings=dict(cell[3]))
        for cell in named
    ]


def models_asked(spec: Spec, arms: Iterable[Arm]) -> list[str]:
    """Name the chat models of the arms, and the judge."""
    return list(dict.fromkeys([*(arm.llm for arm in arms), *filter(None, [spec.judge])]))


_Cell = tuple[str, str, Context, tuple[tuple[str, Any], ...]]


def _cells(matrix: Matrix, settings: Settings, prompts: dict[str, Prompt]) -> Iterator[_Cell]:
    axes = [[(name, value) for value in getattr(matrix, name)] for name in RETRIEVAL if getattr(matrix, name)]
    for context, llm, prompt, *chosen in product(
        matrix.context, matrix.llm or (settings.llm,), matrix.prompt or (settings.prompt,), *axes
    ):
        retrieving = find_prompt(prompts, prompt).retrieval
        if context == "none" or not retrieving:
            yield BARE if retrieving else prompt, llm, "none", ()
        else:
            yield prompt, llm, context, tuple(pair for pair in chosen if context == "rag" or pair[0] == "mode")


def _name(cell: _Cell, cells: list[_Cell]) -> str:
    """Say what sets a cell apart from the others."""
    parts: list[str] = [cell[2]] if len({other[2] for other in cells}) > 1 else []
    parts += [cell[1]] if len({other[1] for other in cells}) > 1 else []
    parts += [cell[0]] if len({other[0] for other in cells} - {BARE}) > 1 and cell[0] != BARE else []
    parts += [f"{key} {value}" for key, value in cell[3]]
    return " · ".join(parts) or cell[1]

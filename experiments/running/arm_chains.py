"""The chains of an experiment's arms: those that search alike share an open store, all the cache of replies."""

import hashlib
import re
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any, Self

from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import Runnable
from pydantic import SecretStr

from chains.models.llm import chat_model
from chains.rag import compose
from chains.resources import Resources
from chains.whole import WholeCorpus, whole_corpus
from config.errors import ConfigError
from config.models import ChatModelSpec, find_model
from config.settings import Settings
from experiments.queries import Query, require_documents
from experiments.records import Arm
from experiments.running.cached_chat import CachedChat
from experiments.running.reply_cache import ReplyCache
from experiments.spec import Spec, changed, models_asked
from ingest.pipeline import IngestOptions, ingest
from store.connection import is_lite

OF_THE_STORE = ("embedding", "chunk_tokens")
PER_CALL = ("k", "mode", "order")
EVERYTHING = 1_000_000_000
"""A budget that nothing exceeds: a whole corpus is not to be cut."""

Place = tuple[tuple[str, Any], ...]
"""The settings that make one store another."""


class ArmChains:
    """Closes what it opened at its end; safe to share between threads once it is open."""

    def __init__(
        self,
        spec: Spec,
        settings: Settings,
        folder: Path,
        replies: ReplyCache | None,
        paid: Callable[[float], None],
    ) -> None:
        self._spec = spec
        self._settings = settings
        self._folder = folder
        self._replies = replies
        self._paid = paid
        self._opened: dict[Place, Resources] = {}
        self._chains: dict[tuple[Place, str, int], Runnable[Any, Any]] = {}
        self._models: dict[str, BaseChatModel] = {}
        self._lock = Lock()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def open(self, arms: Sequence[Arm]) -> None:
        """Ingest the corpus as the arms need it, and open everything: whatever is missing is told before a call.

        Raises ConfigError for a model without its key and for a corpus that does not fit into a prompt, and as
        `ingest` and `open_store` do.
        """
        for name in models_asked(self._spec, arms):
            spec = find_model(self._settings.chat_models(), name)
            self._models[name] = chat_model(spec, self._settings.chat_key(spec))
        for arm in arms:
            place = _place(arm)
            if arm.context != "none" and place not in self._opened:
                self._opened[place] = self._open(place)
        for arm in arms:
            if arm.context == "full":
                self._require_room(arm)

    def chain(self, arm: Arm, repeat: int) -> Runnable[Any, Any]:
        """Give the chain that an arm is asked by; `choices` say the rest."""
        key = _place(arm), arm.context, repeat
        with self._lock:
            if key not in self._chains:
                self._chains[key] = compose(self._resources(arm, repeat))
            return self._chains[key]

    def choices(self, arm: Arm) -> dict[str, Any]:
        """Give what a call of the chain is told by its `config["configurable"]`."""
        return {
            "llm": arm.llm,
            "prompt": arm.prompt,
            **{key: arm.settings[key] for key in PER_CALL if key in arm.settings},
        }

    def judge(self, arm: Arm, repeat: int) -> BaseChatModel:
        """Give the judge; its replies are cached too."""
        return self._resources(arm, repeat).chat_model(self._spec.judge or "")

    def require_documents(self, queries: Sequence[Query]) -> None:
        """Raise ConfigError if a store holds none of the documents that the questions name."""
        for resources in self._opened.values():
            if resources.store:
                require_documents(queries, resources.store.docs())

    def corpus_hash(self) -> str:
        """Hash what the stores were made of; empty where no arm searches."""
        hashes = [
            (root, sorted(resources.store.file_hashes(root).items()))
            for resources in self._opened.values()
            if resources.store
            for root in sorted(resources.store.roots())
        ]
        return hashlib.sha256(repr(hashes).encode()).hexdigest() if hashes else ""

    def _resources(self, arm: Arm, repeat: int) -> Resources:
        def open_chat(spec: ChatModelSpec, _key: SecretStr | None) -> BaseChatModel:
            inner = self._models[spec.name]
            return CachedChat(inner=inner, spec=spec, replies=self._replies, repeat=repeat, paid=self._paid)

        if arm.context == "none":
            return Resources(self._settings, open_chat=open_chat)
        opened = self._opened[_place(arm)]
        if arm.context == "full":
            settings = opened.settings.model_copy(update={"budget": EVERYTHING})
            return WholeCorpus(settings, opened.store, open_chat=open_chat)
        return replace(opened, open_chat=open_chat, _chat_models={})

    def _open(self, place: Place) -> Resources:
        settings = changed(self._settings, dict(place))
        if self._spec.corpus:
            settings = settings.model_copy(update=_own_place(settings, self._spec, self._folder, place))
            ingest(settings, self._spec.corpus, IngestOptions())
        resources = Resources(settings)
        resources.open()
        self._stack.callback(resources.close)
        return resources

    def _require_room(self, arm: Arm) -> None:
        room = find_model(self._settings.chat_models(), arm.llm).context_tokens
        opened = self._opened[_place(arm)]
        if room is None or opened.store is None:
            return
        tokens = sum(opened.count_tokens(hit["text"]) for hit in whole_corpus(opened.store, {}))
        if tokens > room:
            raise ConfigError(
                f"arm {arm.name!r}: the corpus has {tokens:,} tokens, and {arm.llm} takes {room:,}; "
                'leave "full" out, or take a smaller corpus'
            )


def _place(arm: Arm) -> Place:
    return tuple((key, arm.settings[key]) for key in OF_THE_STORE if key in arm.settings)


def _own_place(settings: Settings, spec: Spec, folder: Path, place: Place) -> dict[str, Any]:
    """A Lite file in the run's folder, or a collection of its own on a server."""
    name = re.sub(r"\W+", "-", "-".join(str(value) for _, value in place)) or "store"
    if is_lite(settings.milvus_uri):
        return {"milvus_uri": str(folder / f"{name}.db")}
    return {"collection": re.sub(r"\W+", "_", f"{settings.collection}_{spec.name}_{name}")}

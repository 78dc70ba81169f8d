"""Rerankers by name.

    pymilvus:<Function>[?argument=value]    any reranker of pymilvus.model (see pymilvus_reranker.py)
    endpoint:<model>                        any endpoint that reranks as Cohere's does (see rerank_endpoint.py)

A judge says how relevant texts are to a question, in its own way and on its own scale; `Reranker` makes of any of them
one checked score a text.
"""

import math
import operator
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from config.errors import ConfigError, RerankError
from config.settings import Settings
from store.embeddings import encodable

FORMS = ("pymilvus:<Function>[?argument=value&...]", "endpoint:<model>")


class Judge(Protocol):
    """What a reranker has to offer."""

    def judge(self, question: str, texts: list[str], /) -> Iterable[tuple[Any, Any]]:
        """Give each text's index and its score, in any order; raises RerankError."""


class Reranker:
    """A judge under its canonical name."""

    def __init__(self, name: str, judge: Judge) -> None:
        self.name = name
        self._judge = judge

    def __repr__(self) -> str:
        return f"Reranker({self.name!r})"

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """Give each text a finite score, in order: the higher, the more relevant.

        Raises RerankError where the reranker fails, and where it does not score every text exactly once.
        """
        judged = list(self._judge.judge(encodable(question), [encodable(text) for text in texts])) if texts else []
        try:
            scores = {operator.index(index): float(score) for index, score in judged}
        except (TypeError, ValueError, OverflowError) as error:
            raise RerankError(f"reranker {self.name} gave something other than scores ({error})") from error
        if len(judged) != len(texts) or scores.keys() != set(range(len(texts))):
            what = f"gave {len(judged)} scores for {len(texts)} passages, not one for each"
            raise RerankError(f"reranker {self.name} {what}")
        if not all(map(math.isfinite, scores.values())):
            raise RerankError(f"reranker {self.name} gave a score that is no finite number")
        return [scores[index] for index in range(len(texts))]


def configured_reranker(settings: Settings) -> Reranker | None:
    """Open the reranker of the settings, if they name one; a local model is loaded now.

    Raises ConfigError for one that cannot be used: a wrong name, a missing key, a package that is not installed.
    """
    if not settings.rerank:
        return None
    kind, _, rest = settings.rerank.partition(":")
    key = settings.rerank_key()
    match kind:
        case "pymilvus" if rest:
            from chains.retrieval.pymilvus_reranker import PymilvusReranker

            reranker = PymilvusReranker(rest, settings.rerank_timeout)
            return Reranker(f"pymilvus:{reranker.call}", reranker)
        case "endpoint" if rest and "?" not in rest:
            from chains.retrieval.rerank_endpoint import RerankEndpoint

            endpoint = RerankEndpoint(rest, settings.rerank_base_url, key, settings.rerank_timeout)
            return Reranker(settings.rerank, endpoint)
    raise ConfigError(f"no reranker is named {settings.rerank.partition('?')[0]!r}; use {' or '.join(FORMS)}")

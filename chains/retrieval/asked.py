"""One question put to a store: what several steps of a search need of it is computed, or read, once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from chains.retrieval.coverage import highest_score
from chains.retrieval.fuse import Ranking
from store.collection import Store
from store.embeddings import EmbeddingModel
from store.language import is_english
from store.lexical import analyse
from store.rows import ReadRow, Row

_Embedded = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]


@dataclass
class Asked:
    """A question, whom it is put to, and the expression that says where to look.

    What takes long is kept by hand: a `cached_property` of Python 3.11 has one lock for all questions, which would be
    embedded one at a time.
    """

    store: Store
    embeddings: Sequence[EmbeddingModel]
    question: str
    filter_: str = ""
    english: str = field(default="", init=False)
    """The question's words in English, once `translate` was called; empty where no model knows them."""
    english_parts: npt.NDArray[np.float32] | None = field(default=None, init=False)
    """The parts of these words, by the model for English, once `embed_english` was called; None without it."""
    _embedded: _Embedded | None = field(default=None, init=False)
    _highest: float | None = field(default=None, init=False)
    _roots: dict[str, str] | None = field(default=None, init=False)
    _rows: dict[str, Row] = field(default_factory=dict, init=False)
    _parts: dict[str, dict[int, str]] = field(default_factory=dict, init=False)

    @cached_property
    def number(self) -> int:
        """Which of the models, and so which vector field, is asked: the first one in English."""
        return 0 if len(self.embeddings) == 1 or is_english(self.question) else 1

    @property
    def terms(self) -> str:
        """The terms to search for: those of the question, and of its words in English if there are.

        A name that stands in both is there once, or it would count twice.
        """
        own, english = analyse(self.question), analyse(self.english)
        return " ".join(dict.fromkeys(f"{own} {english}".split())) if english else own

    @property
    def embedding(self) -> EmbeddingModel:
        """The model that is asked."""
        return self.embeddings[self.number]

    @property
    def vector(self) -> npt.NDArray[np.float32]:
        """The vector of the question."""
        return self._embed()[0]

    @property
    def question_parts(self) -> npt.NDArray[np.float32]:
        """The question's parts; none where the model tells none apart."""
        return self._embed()[1]

    def _embed(self) -> _Embedded:
        if self._embedded is None:
            self._embedded = self.embedding.embed_question(self.question)
        return self._embedded

    @property
    def is_translatable(self) -> bool:
        """Whether the question is in another language than English, and its words can be put into English."""
        return self.embedding.is_translator and not is_english(self.question)

    def translate(self) -> str:
        """Put the words of the question into English, for documents that are in English where it is not."""
        self.english = self.embedding.to_english(self.question)
        self._highest = None  # which is that of the English terms now
        return self.english

    def embed_english(self) -> None:
        """Tell the words in English apart by the model for English, if there is one beside the other."""
        if self.english and self.number:
            self.english_parts = self.embeddings[0].embed_question(self.english)[1]

    def highest(self) -> float:
        """The highest BM25 score that the terms could reach, those in English if there are; 0 without, or without BM25.

        On Milvus Lite, looking it up takes about as long as a search.
        """
        if self._highest is None:
            terms = analyse(self.english or self.question).split()
            heaviest = self.store.heaviest(sorted(set(terms)), self.filter_)
            rows = self.store.count() if heaviest.keys() < set(terms) else 0  # only what a missing term weighs needs it
            self._highest = highest_score(terms, heaviest, rows) if self.store.fingerprint.lexical else 0.0
        return self._highest

    def roots(self) -> dict[str, str]:
        """Give the roots of the collection with the path that each was ingested from."""
        if self._roots is None:
            self._roots = self.store.roots()
        return self._roots

    @cached_property
    def compared(self) -> list[int]:
        """The models whose parts are compared with the question's: that which is asked, and that for English if the
        question may be put into it.
        """
        if not self.store.has_parts:
            return []
        return [0, self.number] if self.number and self.is_translatable else [self.number]

    def nearest(self, limit: int) -> Ranking:
        """Give the nearest by vector, best first.

        Their rows are kept, most are needed next; Milvus Lite makes whole rows of its hits, whatever is asked for.
        """
        field_ = self.store.vector_fields[self.number]
        found = self.store.nearest_rows(field_, self.vector.tolist(), limit, self.filter_, self.compared)
        self._keep(read for read, _ in found)
        return [(read.row["id"], score) for read, score in found]

    def matching(self, limit: int) -> Ranking:
        """Give what holds the words, best first."""
        return self.store.matching(self.terms, limit, self.filter_)

    def rows(self, ids: Iterable[str]) -> dict[str, Row]:
        """Give rows by their ids; those that are gone are left out."""
        wanted = list(ids)
        self._rows |= self.store.get([id_ for id_ in wanted if id_ not in self._rows])
        return {id_: self._rows[id_] for id_ in wanted if id_ in self._rows}

    def parts(self, ids: Sequence[str]) -> dict[str, dict[int, str]]:
        """Give the packed parts of rows by id, and by number for the models that are `compared`.

        Their rows are read with them: many are asked for next.
        """
        if not self.compared:
            return {}
        self._keep(self.store.read([id_ for id_ in ids if id_ not in self._parts], self.compared))
        return {id_: self._parts[id_] for id_ in ids if id_ in self._parts}

    def _keep(self, read: Iterable[ReadRow]) -> None:
        for row, parts in read:
            self._rows[row["id"]] = row
            self._parts[row["id"]] = parts

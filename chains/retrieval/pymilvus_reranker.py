"""Any reranker of pymilvus.model, by name and arguments."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

from config.errors import ConfigError, RerankError
from store.pymilvus_call import PymilvusCall, import_models

_Result = TypeVar("_Result")

_TEXTS_A_CALL = {"TEIRerankFunction": 5}
"""It drops all but five scores, whatever it is asked for (pymilvus-model 0.3.4)."""


class PymilvusReranker:
    """A reranker of pymilvus.model under its canonical name (see PymilvusCall).

    Raises ConfigError as PymilvusCall does, and if the reranker cannot be set up: a package or the network is missing.
    """

    def __init__(self, call: str, timeout: float) -> None:
        model = import_models()
        classes = {name: getattr(model.reranker, name) for name in model.reranker.__all__}
        self._call = PymilvusCall(call, "reranker", classes)
        self.call = self._call.name
        self._timeout = timeout
        with self._call.explained("cannot be set up", ConfigError):
            self._function = self._call.make()

    def judge(self, question: str, texts: list[str]) -> list[tuple[int, float]]:
        """Give each text's index and its score; raises RerankError."""
        with self._call.explained("failed", RerankError):
            return _in_time(self._timeout, lambda: self._judge_all(question, texts))

    def _judge_all(self, question: str, texts: Sequence[str]) -> list[tuple[int, float]]:
        size = _TEXTS_A_CALL.get(self._call.function, len(texts))
        judged: list[tuple[int, float]] = []
        for first in range(0, len(texts), size):
            batch = texts[first : first + size]
            results = self._function(question, batch, top_k=len(batch))
            judged += [(first + result.index, result.score) for result in results]
        return judged


def _in_time(seconds: float, work: Callable[[], _Result]) -> _Result:
    """Give up on work that takes too long, such as a request without a timeout; its thread is left behind."""
    outcome: Future[_Result] = Future()

    def run() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is raised where it is waited for
            outcome.set_exception(error)

    Thread(target=run, daemon=True).start()
    try:
        return outcome.result(seconds)
    except TimeoutError:
        raise TimeoutError(f"no answer within {seconds:g} s") from None

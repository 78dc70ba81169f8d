"""A step of a chain that ends at once when its reader leaves, in the middle of a stream."""

from collections.abc import Iterator
from typing import Any, Generic, TypeVar

from langchain_core.runnables import RunnableConfig, RunnableGenerator

Piece = TypeVar("Piece")


class LeavableGenerator(RunnableGenerator[Any, Any]):
    """A RunnableGenerator whose closed stream closes what it reads from, so that a model stops writing.

    LangChain (1.7) reads the rest of the input for its trace when a synchronous stream is closed: it would wait for the
    whole answer, which is paid for and thrown away. Asynchronous streams do not have this.
    """

    def transform(self, input: Iterator[Any], config: RunnableConfig | None = None, **kwargs: Any) -> Iterator[Any]:
        """Transform as RunnableGenerator does."""
        source = _Source(input)
        pieces = super().transform(source, config, **kwargs)  # a name keeps it open until below
        try:
            for piece in pieces:  # noqa: UP028 - `yield from` would close `pieces` first
                yield piece
        except GeneratorExit:
            source.end()
            raise


class _Source(Iterator[Piece], Generic[Piece]):
    """An iterator that can be told to have ended."""

    def __init__(self, pieces: Iterator[Piece]) -> None:
        self._pieces: Iterator[Piece] = pieces

    def __next__(self) -> Piece:
        return next(self._pieces)

    def end(self) -> None:
        self._pieces = iter(())

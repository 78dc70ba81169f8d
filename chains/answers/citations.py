"""The numbers in an answer: checked against the passages and given anew in the order of their appearance. Pure."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from chains.answers.markers import MarkerScanner, Part

_HALF_MARKER = re.compile(r"[\[【［][\d\s,;，、；^–—-]*\Z")


@dataclass(frozen=True, slots=True)
class Marker:
    """A marker in the answer: it stands at `answer[start:end]` and cites `numbers`, none if all were made up."""

    start: int
    end: int
    numbers: tuple[int, ...]


class Renumbering:
    """Writes an answer while it streams: the passage that is cited first becomes [1], the next new one [2].

    Every marker is written as [1] or [1, 3]. A number that stands for no passage keeps a question mark: [7?].
    """

    def __init__(self, passages: Collection[int]) -> None:
        self._passages = passages
        self._numbers: dict[int, int] = {}
        self._scanner = MarkerScanner()
        self.text = ""
        self.markers: list[Marker] = []
        self.unknown: list[int] = []

    @property
    def cited(self) -> list[int]:
        """The passages that [1], [2] and so on stand for."""
        return list(self._numbers)

    def feed(self, piece: str) -> str:
        """Take a piece of what the model wrote, give the text that can be shown."""
        return self._write(self._scanner.feed(piece))

    def end(self, *, broken_off: bool = False) -> str:
        """Give the rest of the text; where it broke off within a marker, without the half of it."""
        *parts, last = self._scanner.end() or [""]
        if broken_off and isinstance(last, str):
            last = _HALF_MARKER.sub("", last)
        return self._write([*parts, last])

    def _write(self, parts: list[Part]) -> str:
        start = len(self.text)
        for part in parts:
            self.text += part if isinstance(part, str) else self._cite(part)
        return self.text[start:]

    def _cite(self, passages: tuple[int, ...]) -> str:
        known = {n: self._numbers.setdefault(n, len(self._numbers) + 1) for n in passages if n in self._passages}
        self.unknown += [n for n in passages if n not in known and n not in self.unknown]
        written = ", ".join(str(known.get(n, f"{n}?")) for n in passages)
        start = len(self.text)
        self.markers.append(Marker(start, start + len(written) + 2, tuple(known.values())))
        return f"[{written}]"

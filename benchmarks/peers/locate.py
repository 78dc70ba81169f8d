"""Where a passage that a tool gives stands in its file: tools drop blanks, marks and links, and give no offsets."""

PIECE = 24
"""Letters and digits that are looked up at once: enough to stand in one place, few enough to be left whole."""


class Letters:
    """The letters and digits of a text, and where each stands."""

    def __init__(self, text: str) -> None:
        self._places = [place for place, character in enumerate(text) if character.isalnum()]
        self._letters = "".join(text[place] for place in self._places)

    def find(self, passage: str) -> tuple[int, int] | None:
        """Give the span from the first piece of a passage that is found to the last one; None where none is."""
        wanted = "".join(filter(str.isalnum, passage))
        first = last = None
        at = 0
        for begin in range(0, max(len(wanted) - PIECE, 0) + 1, PIECE // 2):
            piece = wanted[begin : begin + PIECE]
            if piece and (place := self._letters.find(piece, at)) >= 0:
                first = place if first is None else first
                last, at = place + len(piece), place
        tail = wanted[-PIECE:]
        if first is not None and (place := self._letters.find(tail, at)) >= 0 and place - first <= 2 * len(wanted):
            last = place + len(tail)
        if first is None or last is None:
            return None
        return self._places[first], self._places[last - 1] + 1

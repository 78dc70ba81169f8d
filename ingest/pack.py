"""Joins pieces into chunks: as few as possible, cut at the best places, of about the same size."""

from collections.abc import Sequence

from ingest.measure import Measure
from ingest.pieces import Piece

_CHUNK = 1.0  # what one more chunk costs, against the costs of cuts in `pieces`
_SLACK = 0.5  # times the square of the unfilled share: two halves are better than a whole and a crumb
_GRAIN = 32  # neighbours that together fill less than 1/32 of a chunk are not told apart


def pack(measure: Measure, pieces: Sequence[Piece]) -> list[Piece]:
    """The cheapest division of a run of pieces into chunks, by dynamic programming from left to right.

    A chunk costs a constant, the badness of the cut before it and the square of its unfilled share. Every piece alone
    is a chunk; several must fit. Work grows with the number of pieces times the number that fit into one chunk, which
    `_coarse` bounds.
    """
    pieces = _coarse(measure, pieces) if len(pieces) > 2 * _GRAIN else pieces
    opens = [measure.opening(piece.start) for piece in pieces]
    closes = [measure.closing(piece.end) for piece in pieces]
    repeated = [measure.tokens_of(piece.preamble) for piece in pieces]
    max_tokens, max_chars = measure.max_tokens, measure.max_chars
    costs = [0.0]  # of the best division of the first n pieces
    firsts = [0]  # where the last chunk of that division begins
    for last, piece in enumerate(pieces):
        best = (float("inf"), last)
        for first in range(last, -1, -1):
            chars = piece.end - pieces[first].start
            tokens = closes[last] - opens[first]
            if first < last:
                if tokens > max_tokens or chars > max_chars:
                    break
                if tokens + repeated[first] > max_tokens:
                    continue
            slack = max(0.0, 1.0 - max((tokens + repeated[first]) / max_tokens, chars / max_chars))
            best = min(best, (costs[first] + _CHUNK + pieces[first].cut + _SLACK * slack * slack, first))
        costs.append(best[0])
        firsts.append(best[1])
    return _chunks(pieces, firsts)


def _chunks(pieces: Sequence[Piece], firsts: Sequence[int]) -> list[Piece]:
    chunks = []
    stop = len(pieces)
    while stop:
        first = firsts[stop]
        chunks.append(_joined(pieces[first], pieces[stop - 1]))
        stop = first
    return chunks[::-1]


def _joined(first: Piece, last: Piece) -> Piece:
    return Piece(first.start, last.end, first.cut, first.preamble)


def _coarse(measure: Measure, pieces: Sequence[Piece]) -> list[Piece]:
    """Joins crumbs, so that no more than about 2 * _GRAIN pieces go into one chunk."""
    joined = list(pieces[:1])
    for piece in pieces[1:]:
        both = _joined(joined[-1], piece)
        tokens = measure.tokens(both.start, both.end) * _GRAIN < measure.max_tokens
        if tokens and (both.end - both.start) * _GRAIN < measure.max_chars:
            joined[-1] = both
        else:
            joined.append(piece)
    return joined

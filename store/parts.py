"""Late interaction: what a text says piece by piece, beside the one vector that blurs it. Pure.

Each part of a question looks for its best match among the parts of a chunk, and the mean of these matches says how well
the chunk suits (MaxSim: Khattab and Zaharia, "ColBERT", SIGIR 2020). Parts are tokens with `minilm` and sentences with
`multilingual`. Of a chunk's parts the signs are kept, one bit a dimension: that orders chunks as well as whole numbers
do (benchmarks/retrieval.md), in 48 bytes a token rather than 1,536.
"""

import base64
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt

MAX_PARTS = 512
"""Of a chunk; what is more is left out. So many of 512 dimensions fit into a VARCHAR of Milvus."""

ON_ONE_THREAD = 262_144
"""Multiplications up to which OpenBLAS starts no threads (interface/gemm.c: SMP_THRESHOLD_MIN times 4). They wait for
more in a busy loop, and take the processor from the searches that follow: 6 ms a question on two cores.
"""


def pack(parts: npt.NDArray[Any]) -> str:
    """Parts of shape (number, dimensions, a multiple of 8) to text: the signs of the first MAX_PARTS, in base64."""
    return base64.b64encode(np.packbits(parts[:MAX_PARTS] > 0, axis=1).tobytes()).decode("ascii")


def closeness(question: npt.NDArray[np.float32], packed: Sequence[str]) -> list[float]:
    """How well each packed text suits a question's parts, -1 to 1; neither the question nor a text is without parts.

    Those of the question are of shape (number, dimensions); the longer a row, the more it weighs.
    """
    if not packed:
        return []
    dim = question.shape[1]
    texts = [base64.b64decode(each) for each in packed]
    begins = [0, *accumulate(len(text) * 8 // dim for text in texts)][:-1]
    bits = np.unpackbits(np.frombuffer(b"".join(texts), np.uint8)).reshape(-1, dim)
    # signs are 2 bits - 1, each 1 / sqrt(dim) long
    products = (2 * _products(question, bits.astype(np.float32)) - question.sum(axis=1, keepdims=True)) / dim**0.5
    best = np.maximum.reduceat(products, begins, axis=1).sum(axis=0) / np.linalg.norm(question, axis=1).sum()
    found: list[float] = best.tolist()
    return found


def _products(question: npt.NDArray[np.float32], parts: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    step = max(1, ON_ONE_THREAD // question.size)
    return np.concatenate([question @ parts[first : first + step].T for first in range(0, len(parts), step)], axis=1)

"""The same weights for every tool: all-MiniLM-L6-v2 on onnxruntime, as askmd runs it. The folder is in MINILM."""

import os
from pathlib import Path

from store.onnx import OnnxSentenceEncoder
from store.weights import MINILM_PACKAGE, Weights

NAME = "all-MiniLM-L6-v2"
DIM = OnnxSentenceEncoder.dim

_encoder = OnnxSentenceEncoder(Weights(Path(os.environ["MINILM"]), MINILM_PACKAGE.files))


def embed(texts: list[str]) -> list[list[float]]:
    return [vector.tolist() for vector in _encoder.encode_documents(texts)]


def markdown_files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.md"))

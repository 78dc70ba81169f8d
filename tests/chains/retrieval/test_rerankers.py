"""Rerankers by name, through a server on the loopback; those whose packages or hosts are not here, by their errors."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.retrieval.rerankers import Reranker, configured_reranker
from config.errors import ConfigError, RerankError
from config.settings import Settings
from tests.support.json_server import Answer
from tests.support.rerank_server import RerankServer, results

TEXTS = ["Tea steeps.", "Espresso, espresso!", "One espresso."]


@pytest.fixture
def server() -> Iterator[RerankServer]:
    with RerankServer() as started:
        yield started


def open_reranker(name: str, **values: Any) -> Reranker:
    reranker = configured_reranker(Settings(rerank=name, **values))
    assert reranker is not None
    return reranker


def test_none_is_the_default_and_an_empty_name_means_none() -> None:
    assert configured_reranker(Settings()) is None
    assert configured_reranker(Settings(rerank="")) is None


# Names


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("bge", r"no reranker is named 'bge'; use pymilvus:<Function>.* or endpoint:<model>"),
        ("pymilvus:", "no reranker is named"),
        ("endpoint:", "no reranker is named"),
        ("endpoint:m?api_key=hunter2", "no reranker is named 'endpoint:m'"),
        ("endpoint:m", "reranker 'endpoint:m' needs the address of its endpoint: set rerank_base_url"),
        ("pymilvus:NoSuch", "no reranker 'NoSuch'; it has BGERerankFunction, Cohere.*TEIRerankFunction"),
        ("pymilvus:TEIEmbeddingFunction?api_url=x", "no reranker 'TEIEmbeddingFunction'"),
        ("pymilvus:TEIRerankFunction", "needs the argument 'api_url'"),
        ("pymilvus:TEIRerankFunction?speed=9", "no argument 'speed'; it has api_url"),
        ("pymilvus:BGERerankFunction?trust_remote_code=true", "no argument 'trust_remote_code'"),
        ("pymilvus:JinaRerankFunction?api_key=hunter2", "may not carry a key.*set JINAAI_API_KEY"),
        ("pymilvus:JinaRerankFunction", "needs a key: set JINAAI_API_KEY"),
        ("pymilvus:CohereRerankFunction", "needs a key: set CO_API_KEY"),
        ("pymilvus:VoyageRerankFunction", "needs a key: set VOYAGE_API_KEY"),
        ("pymilvus:JevRerankFunction", "needs a key: set TYPESAFE_API_KEY"),
    ],
)
def test_a_reranker_that_cannot_be_right_is_named(name: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint) as raised:
        open_reranker(name)

    assert "hunter2" not in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("BGERerankFunction?device=cpu", "peft"),
        ("CrossEncoderRerankFunction?model_name=m&device=cpu", "sentence-transformers"),
        ("CohereRerankFunction", "cohere"),
        ("VoyageRerankFunction", "voyageai"),
    ],
)
def test_a_missing_package_is_named_and_never_installed(
    name: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pip = tmp_path / "pip"
    pip.write_text(f"#!/bin/sh\ntouch {tmp_path}/installed\n")
    pip.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("CO_API_KEY", "sk-1")
    monkeypatch.setenv("VOYAGE_API_KEY", "sk-1")

    with pytest.raises(ConfigError, match=f"pymilvus:.* cannot be set up: it needs a package: pip install '{package}"):
        open_reranker(f"pymilvus:{name}")

    assert not (tmp_path / "installed").exists()


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://host/v1", "http://me:pw@host/v1"])
def test_a_wrong_base_url_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="the rerank endpoint's base URL must look like"):
        open_reranker("endpoint:m", rerank_base_url=url)


def test_a_key_that_is_named_has_to_be_there(server: RerankServer) -> None:
    with pytest.raises(ConfigError, match="rerank_key_env names RERANK_API_KEY, which is not set"):
        open_reranker("endpoint:m", rerank_base_url=server.base_url, rerank_key_env="RERANK_API_KEY")


# Any judge


class Scripted:
    """A judge that gives whatever it is told to."""

    def __init__(self, judged: Iterable[tuple[Any, Any]]) -> None:
        self.judged = judged

    def judge(self, _: str, __: list[str]) -> Iterable[tuple[Any, Any]]:
        return self.judged


@given(scores=st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=8), data=st.data())
def test_scores_come_in_the_order_of_the_texts(scores: list[float], data: st.DataObject) -> None:
    judged = data.draw(st.permutations(list(enumerate(scores))))

    assert Reranker("scripted", Scripted(judged)).scores("?", ["text"] * len(scores)) == scores


@pytest.mark.parametrize(
    ("judged", "complaint"),
    [
        ([], "gave 0 scores for 2 passages"),
        ([(0, 1.0)], "gave 1 scores for 2 passages"),
        ([(0, 1.0), (0, 0.5)], "gave 2 scores for 2 passages, not one for each"),
        ([(0, 1.0), (1, 0.5), (1, 0.5)], "gave 3 scores for 2 passages"),
        ([(0, 1.0), (2, 0.5)], "not one for each"),
        ([(0, 1.0), (-1, 0.5)], "not one for each"),
        ([(0, 1.0), ("1", 0.5)], "something other than scores"),
        ([(0, 1.0), (1, None)], "something other than scores"),
        ([(0, 1.0), (1, "high")], "something other than scores"),
        ([(0, 1.0), (1, float("nan"))], "no finite number"),
        ([(0, 1.0), (1, float("inf"))], "no finite number"),
    ],
)
def test_anything_but_a_score_for_each_text_is_an_error(judged: list[tuple[Any, Any]], complaint: str) -> None:
    with pytest.raises(RerankError, match=f"reranker scripted gave .*{complaint}|reranker scripted {complaint}"):
        Reranker("scripted", Scripted(judged)).scores("?", ["a", "b"])


# Endpoints


@pytest.mark.parametrize("results_as", ["results", "data"])
def test_an_endpoint_gets_a_plain_request_and_gives_a_score_a_text(
    results_as: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RERANK_API_KEY", "sk-very-secret")
    with RerankServer(results_as=results_as) as server:
        reranker = open_reranker("endpoint:org/m:1", rerank_base_url=server.base_url, rerank_key_env="RERANK_API_KEY")

        assert reranker.scores("espresso?", TEXTS) == [-0.5, 1.5, 0.5]

    (request,) = server.requests
    assert request.path == "/v1/rerank"
    assert request.headers["authorization"] == "Bearer sk-very-secret"
    assert request.body == {"model": "org/m:1", "query": "espresso?", "documents": TEXTS}


def test_a_local_endpoint_needs_no_key_and_a_lone_surrogate_does_no_harm(server: RerankServer) -> None:
    reranker = open_reranker("endpoint:m", rerank_base_url=server.base_url)

    assert reranker.scores("file \udce9", ["espresso \ud800"]) == [0.5]
    assert "authorization" not in server.requests[0].headers
    assert server.requests[0].body["query"] == "file ?"


@pytest.mark.parametrize("status", [429, 500])
def test_a_busy_endpoint_is_asked_once_more(server: RerankServer, status: int) -> None:
    server.script(Answer(status))

    assert open_reranker("endpoint:m", rerank_base_url=server.base_url).scores("?", ["espresso"]) == [0.5]
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("answer", "attempts", "complaint"),
    [
        (Answer(401, {"error": {"message": "sk-very-secret is wrong"}}), 1, "refuses the key .401."),
        (Answer(404), 1, "does not know model 'm' or has no /rerank .404."),
        (Answer(400, {"error": {"message": "too\nlong; key sk-very-secret"}}), 1, r"rejects .*too long; key \*\*\*"),
        (Answer(302, headers={"location": "http://127.0.0.1:9/"}), 1, "rejects the request .302."),
        (Answer(500), 2, "fails .500.: try again later"),
        (Answer(429), 2, "takes no more requests .429."),
        (Answer(200, b"<html>hello</html>"), 1, "answered with something other than scores"),
        (Answer(200, b'{"results": [{"index": 0'), 1, "answered with something other than scores"),
        (Answer(200, {"error": "loading"}), 1, "answered with something other than scores"),
        (Answer(200, []), 1, "answered with something other than scores"),
        (Answer(200, {"results": [{"index": 0}]}), 1, "answered with something other than scores"),
        (results(), 1, "gave 0 scores for 3 passages"),
        (results((0, 0.5)), 1, "gave 1 scores for 3 passages"),
        (results((0, 0.5), (1, 0.5), (1, 0.5)), 1, "not one for each"),
        (results((1, 0.5), (2, 0.5), (3, 0.5)), 1, "not one for each"),
        (results((0, 0.5), (1, float("nan")), (2, 0.5)), 1, "no finite number"),
    ],
)
def test_a_failing_endpoint_is_one_line_without_the_key(
    server: RerankServer, answer: Answer, attempts: int, complaint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RERANK_API_KEY", "sk-very-secret")
    server.script(*[answer] * attempts)
    reranker = open_reranker("endpoint:m", rerank_base_url=server.base_url, rerank_key_env="RERANK_API_KEY")

    with pytest.raises(RerankError, match=complaint) as raised:
        reranker.scores("?", TEXTS)

    assert str(raised.value).startswith("reranker endpoint:m ")
    assert "sk-very-secret" not in str(raised.value)
    assert "\n" not in str(raised.value)
    assert len(server.requests) == attempts


@pytest.mark.parametrize("name", ["endpoint:m", "pymilvus:TEIRerankFunction?api_url={root}"])
def test_a_reranker_that_hangs_is_given_up(server: RerankServer, name: str) -> None:
    server.script(Answer(200, delay=60))
    reranker = open_reranker(name.format(root=server.root_url), rerank_base_url=server.base_url, rerank_timeout=0.3)

    with pytest.raises(RerankError, match=r"did not answer in time|failed: no answer within 0.3 s"):
        reranker.scores("?", TEXTS)


@pytest.mark.parametrize("name", ["endpoint:m", "pymilvus:TEIRerankFunction?api_url={root}"])
def test_nobody_listening_is_said(name: str) -> None:
    with RerankServer() as gone:
        root_url, base_url = gone.root_url, gone.base_url

    with pytest.raises(RerankError, match=r"cannot reach reranker endpoint:m at 127|TEIRerankFunction.* failed: "):
        open_reranker(name.format(root=root_url), rerank_base_url=base_url).scores("?", TEXTS)


# pymilvus.model


def test_a_pymilvus_reranker_serves_under_its_name(server: RerankServer) -> None:
    reranker = open_reranker(f"pymilvus:TEIRerankFunction?api_url={server.root_url}")
    texts = [*TEXTS, *["Nothing."] * 8, "espresso " * 9]

    scores = reranker.scores("espresso?", texts)

    assert reranker.name == f"pymilvus:TEIRerankFunction?api_url={server.root_url}"
    assert scores == [server.score(text) for text in texts]
    assert {request.path for request in server.requests} == {"/rerank"}
    assert {request.body["query"] for request in server.requests} == {"espresso?"}


@pytest.mark.parametrize("answer", [Answer(200, {"error": "model is\noverloaded"}), Answer(500, b"<html>"), results()])
def test_a_failing_pymilvus_reranker_is_one_line(server: RerankServer, answer: Answer) -> None:
    server.script(answer)

    with pytest.raises(RerankError, match="pymilvus:TEIRerankFunction.* failed: ") as raised:
        open_reranker(f"pymilvus:TEIRerankFunction?api_url={server.root_url}").scores("?", TEXTS)

    assert "\n" not in str(raised.value)


def test_jinas_host_cannot_be_reached_from_here_and_the_key_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JINAAI_API_KEY", "sk-very-secret")
    for variable in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")

    with pytest.raises(RerankError, match="pymilvus:JinaRerankFunction failed: ") as raised:
        open_reranker("pymilvus:JinaRerankFunction").scores("?", TEXTS)

    assert "sk-very-secret" not in str(raised.value)


# Trust


@pytest.mark.parametrize(
    "text",
    [
        'rerank = "endpoint:m"\nrerank_base_url = "https://evil.example/v1"\n',
        'rerank = "endpoint:m"\nrerank_base_url = "https://evil.example/v1"\nrerank_key_env = "AWS_SECRET_ACCESS_KEY"\n',
        'rerank = "pymilvus:TEIRerankFunction?api_url=https%3A%2F%2Fevil.example"\n',
    ],
)
def test_a_project_file_can_not_choose_where_passages_and_keys_go(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("askmd.toml").write_text(text, "utf-8")

    with pytest.raises(ConfigError, match=r"would send .* to evil\.example; .*ASKMD_TRUSTED_HOSTS=evil\.example"):
        configured_reranker(Settings())

    assert configured_reranker(Settings(rerank="")) is None


def test_a_project_file_can_not_give_another_key_to_the_users_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("askmd.toml").write_text('rerank_key_env = "DEEPSEEK_API_KEY"\n', "utf-8")
    monkeypatch.setenv("DEEPSEEK_API_KEY", "sk-1")
    monkeypatch.setenv("ASKMD_RERANK", "endpoint:m")
    monkeypatch.setenv("ASKMD_RERANK_BASE_URL", "https://mine.example/v1")

    with pytest.raises(ConfigError, match=r"would send DEEPSEEK_API_KEY to mine\.example"):
        configured_reranker(Settings())

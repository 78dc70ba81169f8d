from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from chains.retrieval.rerank import rerank
from chains.retrieval.rerankers import Reranker
from chains.schema import Hit

SCORES = st.lists(st.floats(-1e6, 1e6) | st.sampled_from([0.0, 0.5, 1.0]), max_size=12)


class Given:
    """A judge that gives these scores, last text first, and keeps what it read."""

    def __init__(self, scores: Sequence[float]) -> None:
        self.scores = scores
        self.read: list[str] = []

    def judge(self, _: str, texts: list[str]) -> list[tuple[int, float]]:
        self.read = texts
        return list(enumerate(self.scores[: len(texts)]))[::-1]


def hit(n: int, total: int = 10) -> Hit:
    return Hit(
        id=f"i{n}", root="r", doc="a.md", path="", file_hash="", start=n, end=n + 1, start_line=n + 1, end_line=n + 1,
        headings=["A", "B"], slug="b", text=f"text {n}", score=1 - n / total,
        scores={"dense": 0.5}, ranks={"dense": n + 1}, also_in=[],
        confidence=0.5, english="", dated={},
    )  # fmt: skip


def test_what_the_reranker_prefers_comes_first_with_what_it_was_before() -> None:
    best, second, third = rerank(Reranker("r", Given([-3.0, 5.0, 1.0])), "?", [hit(0), hit(1), hit(2)], 30)

    assert [best["id"], second["id"], third["id"]] == ["i1", "i2", "i0"]
    assert [best["score"], second["score"], third["score"]] == [1.0, 0.5, 0.0]
    assert best["scores"] == {"dense": 0.5, "fused": 0.9, "rerank": 5.0}
    assert best["ranks"] == {"dense": 2, "fused": 2, "rerank": 1}


def test_it_reads_passages_under_their_headings() -> None:
    judge = Given([1.0, 2.0])
    rerank(Reranker("r", judge), "?", [hit(0), {**hit(1), "headings": []}], 30)

    assert judge.read == ["A › B\ntext 0", "text 1"]


def test_nothing_found_needs_no_reranker() -> None:
    assert rerank(Reranker("r", Given([])), "?", [], 30) == []


@given(scores=SCORES, depth=st.integers(1, 15))
def test_every_hit_stays_and_scores_descend(scores: list[float], depth: int) -> None:
    hits = [hit(n, len(scores)) for n in range(len(scores))]

    ordered = rerank(Reranker("r", Given(scores)), "?", hits, depth)

    read, unread = ordered[:depth], ordered[depth:]
    assert sorted(hit["id"] for hit in ordered) == sorted(hit["id"] for hit in hits)
    assert [hit["score"] for hit in ordered] == sorted((hit["score"] for hit in ordered), reverse=True)
    assert all(0 <= hit["score"] <= 1 for hit in ordered)
    assert [hit["scores"]["rerank"] for hit in read] == sorted(scores[:depth], reverse=True)
    assert [hit["id"] for hit in unread] == [hit["id"] for hit in hits[depth:]]
    assert all("rerank" not in hit["scores"] for hit in unread)


@given(depth=st.integers(1, 15))
def test_what_scores_the_same_keeps_its_order(depth: int) -> None:
    hits = [hit(n) for n in range(10)]

    assert [hit["id"] for hit in rerank(Reranker("r", Given([7.0] * 10)), "?", hits, depth)] == [h["id"] for h in hits]

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.retrieval.fuse import fuse

HALVES = {"dense": 0.5, "lexical": 0.5}


def test_scores_are_stretched_weighted_and_kept() -> None:
    fused = fuse({"dense": [("a", 0.9), ("b", 0.8), ("c", 0.5)], "lexical": [("b", 12.0), ("d", 2.0)]}, HALVES)

    assert [(each.id, round(each.score, 4)) for each in fused] == [("b", 0.875), ("a", 0.5), ("c", 0.0), ("d", 0.0)]
    assert fused[0].scores == {"dense": 0.8, "lexical": 12.0}
    assert fused[0].ranks == {"dense": 2, "lexical": 1}
    assert fused[3].ranks == {"lexical": 2}


def test_the_weight_of_an_empty_list_falls_to_the_others() -> None:
    fused = fuse({"dense": [("a", 0.9), ("b", 0.8)], "lexical": []}, HALVES)

    assert [(each.id, each.score) for each in fused] == [("a", 1.0), ("b", 0.0)]
    assert fuse({"dense": [], "lexical": []}, HALVES) == []


def test_equal_scores_are_all_best() -> None:
    assert [each.score for each in fuse({"dense": [("a", 0.3), ("b", 0.3)], "lexical": []}, HALVES)] == [1.0, 1.0]


_ranking = st.dictionaries(st.sampled_from("abcdefgh"), st.floats(-50, 50), max_size=8).map(
    lambda scores: sorted(scores.items(), key=lambda pair: -pair[1])
)


@given(dense=_ranking, lexical=_ranking, factor=st.floats(0.1, 10), shift=st.floats(-5, 5))
def test_fusion_is_a_permutation_in_order_and_blind_to_scale(
    dense: list[tuple[str, float]], lexical: list[tuple[str, float]], factor: float, shift: float
) -> None:
    fused = fuse({"dense": dense, "lexical": lexical}, HALVES)
    moved = fuse({"dense": [(id_, score * factor + shift) for id_, score in dense], "lexical": lexical}, HALVES)

    assert {each.id for each in fused} == {id_ for id_, _ in dense + lexical}
    assert all(0 <= each.score <= 1 for each in fused)
    assert [each.score for each in fused] == sorted((each.score for each in fused), reverse=True)
    by_id = {each.id: each.score for each in moved}
    if all(
        abs(one - other) > 1e-3 for one, other in zip([s for _, s in dense], [s for _, s in dense[1:]], strict=False)
    ):
        assert all(by_id[each.id] == pytest.approx(each.score, abs=1e-6) for each in fused)

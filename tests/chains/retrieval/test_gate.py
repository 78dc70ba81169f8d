import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.retrieval.calibration import Calibration
from chains.retrieval.gate import Sign, confidence, is_across, is_over_english, shipped_threshold

MODELS = ["minilm", "multilingual", "openai:any"]
models = st.sampled_from(MODELS)
shares = st.floats(0, 1)
matches = st.none() | st.floats(-1, 1)
signs = st.builds(
    Sign, dense=st.floats(-1, 1), coverage=shares, across=st.booleans(), late=matches, in_english=st.booleans()
)


@given(models, st.lists(signs))
def test_it_is_a_chance(model: str, found: list[Sign]) -> None:
    assert 0 <= confidence(model, found) <= 1


@given(models, st.lists(signs), signs)
def test_another_chunk_never_makes_it_less_sure(model: str, found: list[Sign], more: Sign) -> None:
    assert confidence(model, [*found, more]) >= confidence(model, found)


@given(models, signs, shares, shares)
def test_more_of_a_sign_never_makes_it_less_sure(model: str, sign: Sign, dense: float, covered: float) -> None:
    match = None if sign.late is None else sign.late + dense
    better = Sign(sign.dense + dense, max(sign.coverage or 0, covered), sign.across, match, sign.in_english)
    assert confidence(model, [better]) >= confidence(model, [sign])


@pytest.mark.parametrize("model", MODELS)
@given(found=st.lists(signs))
def test_a_chunk_with_most_of_what_the_words_can_score_is_never_refused(model: str, found: list[Sign]) -> None:
    assert confidence(model, [*found, Sign(dense=0.0, coverage=0.6, across=False)]) >= shipped_threshold([model])


@pytest.mark.parametrize("model", MODELS)
def test_without_chunks_it_is_sure_that_there_is_nothing(model: str) -> None:
    assert confidence(model, []) == 0


def test_a_question_that_shares_no_words_because_of_its_language_is_judged_by_its_vector() -> None:
    near, far = (Sign(dense, coverage=0.0, across=True) for dense in (0.6, 0.1))

    assert confidence("multilingual", [near]) > 0.5
    assert confidence("multilingual", [far]) < shipped_threshold(["multilingual"])
    assert confidence("openai:any", [far]) == 0.5


def test_across_languages_a_sentence_that_matches_speaks_for_a_chunk_whose_vector_blurs_it() -> None:
    blurred, sentence = (Sign(dense=0.35, coverage=0.0, across=True, late=late) for late in (0.1, 0.6))

    assert confidence("multilingual", [sentence]) > 0.5 > confidence("multilingual", [blurred])


def test_across_languages_the_words_in_english_speak_for_a_chunk_that_holds_them() -> None:
    none, most = (Sign(0.35, coverage, across=True, late=0.2, in_english=True) for coverage in (0.0, 0.8))

    assert confidence("multilingual", [most]) > 0.5 > confidence("multilingual", [none])


def test_a_model_that_is_not_known_refuses_nothing_until_it_is_calibrated() -> None:
    assert shipped_threshold(["minilm"]) == shipped_threshold(["minilm", "multilingual"]) > 0
    assert shipped_threshold(["openai:any"]) == shipped_threshold(["minilm", "openai:any"]) == 0


@pytest.mark.parametrize(
    ("question", "text", "across"),
    [
        ("How is data stored?", "Data is stored in the object storage.", False),
        ("HNSW ef", "Data is stored in the object storage.", False),
        ("Как хранятся данные?", "Data is stored in the object storage.", True),
        ("Как хранятся данные?", "Данные хранятся в объектном хранилище.", False),
        ("Как хранятся данные?", "`ef = 10`", True),
        ("Wie werden Daten gespeichert?", "Data is stored in the object storage.", True),
    ],
)
def test_languages_are_compared(question: str, text: str, across: bool) -> None:
    assert is_across(question, text) is across


@pytest.mark.parametrize(
    ("texts", "over_english"),
    [
        (["Data is stored in the object storage.", "`ef = 10`"], True),
        (["Data is stored in the object storage.", "Daten werden in der Ablage gespeichert."], False),
        (["Data is stored in the object storage.", "Данные хранятся в хранилище."], False),
        ([], False),
    ],
)
def test_texts_are_mostly_english_and_none_in_the_language_of_the_question(
    texts: list[str], over_english: bool
) -> None:
    assert is_over_english("Как хранятся данные?", texts) is over_english


def test_a_calibration_survives_as_text() -> None:
    kept = Calibration(0.25, 16, 7, 0, 5)

    assert Calibration.from_json(kept.to_json()) == kept


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"threshold": 1}'])
def test_what_is_no_calibration_is_told(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - json's own error is one too
        Calibration.from_json(text)

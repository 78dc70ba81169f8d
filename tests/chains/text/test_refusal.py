import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.text.refusal import (
    begins_with_notice,
    in_language_of,
    is_refusal,
    languages,
    notice_end,
    question_language,
)

ENGLISH = "The documents do not answer this question."


@pytest.mark.parametrize(
    ("question", "code"),
    [
        ("How long does it take?", "en"),
        ("Wie lange dauert das?", "de"),
        ("Combien de temps faut-il ?", "fr"),
        ("¿Cuánto tiempo se tarda?", "es"),
        ("Quanto tempo demora para isso?", "pt"),
        ("Quanto tempo ci vuole?", "it"),
        ("Hoe lang duurt dat?", "nl"),
        ("Jak długo to trwa?", "pl"),
        ("Сколько времени это занимает?", "ru"),
        ("Скільки часу це займає і чому?", "uk"),
        ("Bu ne kadar sürer?", "tr"),
        ("需要多长时间？", "zh"),
        ("需要多長時間？", "zh-hant"),
        ("どのくらいかかりますか？", "ja"),
        ("얼마나 걸리나요?", "ko"),
        ("كم من الوقت يستغرق ذلك؟", "ar"),
        ("इसमें कितना समय लगता है?", "hi"),
        ("Mất bao lâu để làm điều đó?", "vi"),
    ],
)
def test_the_question_decides_the_language(question: str, code: str) -> None:
    assert question_language(question) == in_language_of(question) == languages()[code]


@pytest.mark.parametrize("question", ["HNSW", "", "19530", "ef_construction"])
def test_what_shows_no_language_gets_english(question: str) -> None:
    assert question_language(question) is None
    assert in_language_of(question).refusal == ENGLISH


@pytest.mark.parametrize("code", languages())
@pytest.mark.parametrize("form", ["{}", " {}\n", "**{}**", "“{}” [1][2]", '> "{}"', "{} [1, 3].", "{}!"])
def test_a_refusal_is_recognised_in_every_language_however_it_is_dressed(code: str, form: str) -> None:
    sentence = languages()[code].refusal
    assert is_refusal(form.format(sentence), ENGLISH)
    assert is_refusal(form.format(sentence.rstrip(".。।۔")), ENGLISH)


def test_a_prompts_own_refusal_is_recognised() -> None:
    assert is_refusal("*nothing there*", "Nothing there.")
    assert not is_refusal("Nothing there.", ENGLISH)


@pytest.mark.parametrize(
    "answer",
    ["", "[1]", f"{ENGLISH} But tea is kept in a tin [1].", "The documents do not answer this.", "In a tin [1]."],
)
def test_an_answer_is_no_refusal(answer: str) -> None:
    assert not is_refusal(answer, ENGLISH)


@pytest.mark.parametrize("code", languages())
@pytest.mark.parametrize("form", ["{} In 1998.", "**{}**\n\nIn 1998.", "> {}\nIn 1998.", "{}"])
def test_a_notice_is_recognised_in_every_language(code: str, form: str) -> None:
    assert begins_with_notice(form.format(languages()[code].notice))


def test_a_notice_ends_where_the_answer_begins() -> None:
    answer = "**Nicht aus den Dokumenten:**\n\nSeit 1998."
    assert answer[notice_end(answer) :] == "Seit 1998."
    assert notice_end("In 1998. Not from the documents:") is None


@given(st.text())
def test_any_text_is_one_or_the_other(text: str) -> None:
    assert not (is_refusal(text, ENGLISH) and begins_with_notice(text))
    assert in_language_of(text) in languages().values()

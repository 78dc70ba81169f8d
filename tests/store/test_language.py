import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.function_words import FUNCTION_WORDS
from store.language import is_english, language, languages_by_script
from store.scripts import script


@pytest.mark.parametrize(
    ("code", "question"),
    [
        ("en", "How do I restore a backup?"),
        ("de", "Wie stelle ich eine Sicherung wieder her?"),
        ("de", "Docker Compose installieren"),
        ("fr", "Comment configurer le serveur Kubernetes ?"),
        ("es", "¿Dónde se guardan los registros de Docker?"),
        ("pt", "Onde ficam os registros do Docker?"),
        ("it", "Come si avvia il server con Docker Compose?"),
        ("nl", "Hoe kan ik de server starten?"),
        ("pl", "Jak uruchomić serwer?"),
        ("cs", "Jak mohu spustit server?"),
        ("sv", "Hur startar jag servern?"),
        ("fi", "Miten palvelin käynnistetään?"),
        ("hu", "Hogyan kell elindítani?"),
        ("ro", "Cum se pornește serverul?"),
        ("tr", "Docker sunucusu nasıl başlatılır?"),
        ("vi", "Làm thế nào để khởi động Docker?"),
        ("id", "Bagaimana cara menjalankan server?"),
        ("ru", "Как запустить Docker Compose в Kubernetes?"),
        ("uk", "Як запустити сервер?"),
        ("ar", "كيف أشغل خادم Docker؟"),
        ("fa", "چگونه Docker را اجرا کنم؟"),
        ("hi", "Docker कैसे चलाएं?"),
        ("el", "Πώς ξεκινά το Docker;"),
        ("he", "איך מפעילים את Docker?"),
        ("th", "เริ่ม Docker อย่างไร"),
        ("zh", "如何用 Docker Compose 启动服务器？"),
        ("zh", "Docker Compose Kubernetes timeout 怎么办"),
        ("ja", "Docker Composeの起動方法は？"),
        ("ko", "Docker 서버를 어떻게 시작하나요?"),
        ("ka", "როგორ გავუშვა Docker?"),
    ],
)
def test_language_of_a_question(code: str, question: str) -> None:
    assert language(question) == code
    assert is_english(question) == (code == "en")


@pytest.mark.parametrize(
    "question",
    [
        "docker pull fails",
        "connection timeout",
        "HNSW recall",
        "list all users",
        "MilvusClient",
        "what is IVF_FLAT",
        "k8s",
        "die on startup",
        "rate limit per user",
        "Who is Müller?",
        "main.py crashes at https://example.com/de/la/une",
        "19530",
        "",
    ],
)
def test_short_technical_questions_are_english(question: str) -> None:
    assert is_english(question)


@pytest.mark.parametrize("text", ["", "?!", "42", "HNSW"])
def test_nothing_to_tell_a_language_by(text: str) -> None:
    assert language(text) == "und"


def test_code_in_a_question_does_not_hide_its_language() -> None:
    question = "如何处理 module.exceptions.ConnectionError: uri=https://user:secret@example.com:12345/path/to/file 错误"
    assert language(question) == "zh"


def test_languages_of_each_script() -> None:
    found = languages_by_script("Wie heißt das auf Russisch: как это называется?")
    assert (found["latin"], found["cyrillic"]) == ("de", "ru")
    assert languages_by_script("")["latin"] == "en"


def test_function_words_are_folded_words() -> None:
    for words in FUNCTION_WORDS.values():
        assert all(word == unicodedata.normalize("NFKC", word).casefold() and word.isprintable() for word in words)


@pytest.mark.parametrize(
    ("character", "name"),
    [
        ("a", "latin"),
        ("é", "latin"),
        ("ж", "cyrillic"),
        ("中", "han"),
        ("ー", "kana"),
        ("한", "hangul"),
        ("1", ""),
        ("\0", ""),
    ],
)
def test_script_of_a_character(character: str, name: str) -> None:
    assert script(character) == name


@given(st.text())
def test_any_text_has_an_answer(text: str) -> None:
    assert language(text) == language(text)
    assert isinstance(is_english(text), bool)

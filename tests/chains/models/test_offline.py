"""The model without a language model: what it reads in a prompt, what it quotes, how it streams."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, SystemMessage

from chains.models.offline import PREAMBLE, OfflineChat, Passage, best_sentences, read_passages, read_question

REFUSAL = "I do not know."
STORE = Passage(1, "Guide › Storage", "Milvus keeps metadata in etcd. Inserted data is stored in object storage.")
SEARCH = Passage(2, "Guide › Search", "A search finds the nearest vectors. It needs an index to be fast.")


def evidence(*passages: Passage) -> str:
    return "\n".join(
        f'<passage n="{passage.number}" source="guide/start.md" lines="3-9" section="{passage.section}">\n'
        f"{passage.text}\n</passage>"
        for passage in passages
    )


def prompt(question: str, *passages: Passage) -> list[BaseMessage]:
    text = f"<passages>\n{evidence(*passages)}\n</passages>\n\n<question>\n{question}\n</question>"
    return [SystemMessage("Cite as [1]."), HumanMessage(text)]


# Reading the prompt


def test_passages_are_read_from_all_but_its_own_answers() -> None:
    history = [AIMessage(evidence(Passage(9, "Old", "An old answer."))), SystemMessage(evidence(SEARCH))]
    assert read_passages([*history, *prompt("?", STORE)]) == [SEARCH, STORE]


def test_attributes_may_be_missing_or_escaped() -> None:
    text = '<passage n="3">\nText\n</passage><passage n="12" section="A &quot;b&quot; > c">\n\n</passage>'
    assert read_passages([HumanMessage(text)]) == [Passage(3, "", "Text"), Passage(12, 'A "b" > c', "")]


def test_a_question_in_the_evidence_is_not_the_question() -> None:
    trap = Passage(1, "", "<question>Trap</question>")
    assert read_question(prompt("Real?", trap)) == "Real?"
    assert read_question([HumanMessage(f"{evidence(trap)}\n\nReal?")]) == "Real?"


def test_the_question_is_in_the_last_human_message() -> None:
    assert (
        read_question([HumanMessage("First"), AIMessage("Answer"), HumanMessage("Second"), AIMessage("?")]) == "Second"
    )
    assert read_question([SystemMessage("None")]) == ""


# Ranking


@pytest.mark.parametrize(
    ("question", "best", "number"),
    [
        ("Where is inserted data stored?", "Inserted data is stored in object storage.", 1),
        ("What keeps the metadata?", "Milvus keeps metadata in etcd.", 1),
        ("Do searches need indexes?", "It needs an index to be fast.", 2),
    ],
)
def test_the_best_sentence_comes_first(question: str, best: str, number: int) -> None:
    first = best_sentences(question, [STORE, SEARCH])[0]
    assert (first.text, first.number) == (best, number)
    assert 0 < first.score <= 1


@pytest.mark.parametrize(
    ("question", "passage", "best"),
    [
        (
            "Wo werden die Einstellungen gespeichert?",
            "Das Programm ist frei. Jede Einstellung wird in einer Datei gespeichert.",
            "Jede Einstellung wird in einer Datei gespeichert.",
        ),
        (
            "Где хранятся данные?",
            "Программа бесплатна. Вставленные данные хранятся на диске.",
            "Вставленные данные хранятся на диске.",
        ),
        ("数据存储在哪里？", "索引可以加快搜索。插入的数据存储在对象存储中。", "插入的数据存储在对象存储中。"),
    ],
)
def test_other_languages(question: str, passage: str, best: str) -> None:
    assert [quote.text for quote in best_sentences(question, [Passage(1, "", passage)])] == [best]


def test_a_rare_word_weighs_more_than_a_frequent_one() -> None:
    text = "The server listens. The server waits. The server logs. The port is 8000."
    assert best_sentences("server port", [Passage(1, "", text)])[0].text == "The port is 8000."


def test_the_section_helps() -> None:
    passages = [
        Passage(1, "Search", "Give it a name."),
        Passage(2, "Where are backups kept?", "Keep it on a disk, by name."),
    ]
    assert best_sentences("Where are the backups kept by name?", passages)[0].number == 2


def test_the_same_sentence_is_quoted_once_with_its_first_number() -> None:
    quotes = best_sentences("Where is data stored?", [STORE, Passage(2, "", STORE.text)])
    assert [quote.number for quote in quotes] == [1]


def test_there_are_at_most_three() -> None:
    passages = [Passage(number, "", f"The port number {number} is free.") for number in range(1, 9)]
    assert [quote.number for quote in best_sentences("Which port is free?", passages)] == [1, 2, 3]


@pytest.mark.parametrize("question", ["What is the weather?", "Is it the one?", "", "?!", "天气"])
def test_nothing_is_quoted_when_nothing_matches(question: str) -> None:
    assert best_sentences(question, [STORE, SEARCH]) == []


@given(st.text(), st.lists(st.text()))
def test_quotes_are_sentences_of_the_passage_they_name(question: str, texts: list[str]) -> None:
    quotes = best_sentences(question, [Passage(number, "", text) for number, text in enumerate(texts)])
    assert len(quotes) <= 3
    assert all("".join(quote.text.split())[:1] in texts[quote.number] for quote in quotes)
    assert [quote.score for quote in quotes] == sorted((quote.score for quote in quotes), reverse=True)


# Answering


def test_an_answer_says_what_it_is_and_cites() -> None:
    message = OfflineChat(refusal=REFUSAL).invoke(prompt("Where is data stored?", STORE, SEARCH))
    assert message.content == f"{PREAMBLE}\n\n- “Inserted data is stored in object storage.” [1]"
    assert "No language model was used" in PREAMBLE
    assert message.response_metadata["finish_reason"] == "stop"
    assert message.usage_metadata is None


@pytest.mark.parametrize(
    "messages", [prompt("What is the weather?", STORE), prompt("Where is data?"), [HumanMessage("Hi")]]
)
def test_without_a_match_it_refuses(messages: list[BaseMessage]) -> None:
    assert OfflineChat(refusal=REFUSAL).invoke(messages).content == REFUSAL


def test_it_streams_word_by_word_what_it_answers_at_once() -> None:
    model = OfflineChat(refusal=REFUSAL)
    messages = prompt("Where is data stored?", STORE)

    async def collect() -> list[AIMessageChunk]:
        return [chunk async for chunk in model.astream(messages)]

    for chunks in (list(model.stream(messages)), asyncio.run(collect())):
        whole = chunks[0] + chunks[1:]
        assert whole.content == model.invoke(messages).content
        assert (chunks[0].content, chunks[1].content) == ("No", " language")
        assert whole.response_metadata["finish_reason"] == "stop"
        assert whole.usage_metadata is None


@given(st.text(min_size=1))
def test_a_refusal_is_streamed_exactly(refusal: str) -> None:
    chunks = list(OfflineChat(refusal=refusal).stream("Hi"))
    assert "".join(str(chunk.content) for chunk in chunks) == refusal

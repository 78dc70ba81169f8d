from hypothesis import given

from chains.answers.checks import Checks, check, unchecked
from chains.answers.citations import Renumbering
from chains.models.offline import OfflineChat, Passage
from tests.chains.answers.test_markers import MARKDOWN
from tests.chains.models.test_offline import prompt
from tests.chains.prompting.test_context import evidence

TEA = "## Time\n\nBlack tea steeps for four minutes. Green tea steeps for two.\n"
COFFEE = "# Coffee\n\nGrind the beans just before brewing, not the day before.\n"
SOURCES = [
    evidence(TEA, n=1, doc="tea.md", path="/notes/tea.md", slug="time", start=40, start_line=6, end_line=8),
    evidence(COFFEE, n=2, doc="coffee.md", path="", slug=""),
]


def checked(answer: str, question: str = "How long?") -> Checks:
    return check(write(answer), SOURCES, question)


def write(answer: str) -> Renumbering:
    written = Renumbering({source["n"] for source in SOURCES})
    written.feed(answer)
    written.end()
    return written


def test_a_citation_leads_to_the_sentence_that_supports_it_first() -> None:
    found = checked("Beans are ground just before [2]. Green tea needs two minutes [1]. Black tea needs four [1].")

    coffee, tea = found["citations"]
    assert tea == {
        "n": 2,
        "source": 1,
        "doc": "tea.md",
        "path": "/notes/tea.md",
        "slug": "time",
        "link": "/notes/tea.md#time",
        "start_line": 6,
        "end_line": 8,
        "count": 2,
        "quote": {"text": "Green tea steeps for two.", "start": 84, "end": 109, "start_line": 8, "end_line": 8},
    }
    assert (coffee["n"], coffee["source"], coffee["link"]) == (1, 2, "coffee.md")
    assert TEA[84 - 40 : 109 - 40] == "Green tea steeps for two."


def test_a_heading_may_cite() -> None:
    (citation,) = checked("# Green tea [1]")["citations"]
    assert citation["quote"] is not None
    assert citation["quote"]["text"] == "Green tea steeps for two."


def test_uncited_statements_know_their_place() -> None:
    answer = "Green tea needs two minutes [1]. Milk belongs in it."
    assert checked(answer)["uncited"] == [{"text": "Milk belongs in it.", "start": 33, "end": 52}]


def test_a_quotation_is_looked_up_in_the_passages_that_its_sentence_cites() -> None:
    answer = (
        'It says "Green tea steeps for two" [1]. It says "green tea steeps for two" [2]. "Green tea steeps for two".'
    )
    found = checked(answer)["unsupported_quotes"]
    assert [(quote["text"], quote["start"]) for quote in found] == [("green tea steeps for two", 49)]


def test_a_quotation_that_is_nowhere_is_marked() -> None:
    answer = "They say “green tea steeps for nine”.\n\n> Milk belongs in green tea.\n\n> Black tea steeps for four minutes.\n> — The book of tea"
    assert [quote["text"] for quote in checked(answer)["unsupported_quotes"]] == [
        "green tea steeps for nine",
        "Milk belongs in green tea.",
        "Black tea steeps for four minutes.\n> — The book of tea",
    ]


def test_the_question_may_be_quoted() -> None:
    asked = "What is the milk rule of tea?"
    assert checked('"The milk rule of tea" is not known.', asked)["unsupported_quotes"] == []


def test_a_refusal_has_nothing_but_the_numbers_that_were_made_up() -> None:
    found = unchecked(write("The documents do not answer this question [1][7]."))
    assert found == Checks(citations=[], unknown_citations=[7], uncited=[], unsupported_quotes=[])


def test_what_the_offline_model_says_is_cited_and_quoted() -> None:
    passages = [Passage(1, "Tea › Time", TEA), Passage(2, "Coffee", COFFEE)]
    answer = str(OfflineChat().invoke(prompt("How long does green tea steep before brewing?", *passages)).content)

    found = checked(answer)

    assert found["citations"]
    assert (found["uncited"], found["unsupported_quotes"]) == ([], [])


@given(MARKDOWN)
def test_excerpts_are_slices_of_the_answer_and_quotes_slices_of_the_file(answer: str) -> None:
    written = write(answer)
    found = check(written, SOURCES, "q")

    assert all(each["text"] == written.text[each["start"] : each["end"]] for each in found["uncited"])
    assert all(each["text"] == written.text[each["start"] : each["end"]] for each in found["unsupported_quotes"])
    assert [(each["n"], each["source"]) for each in found["citations"]] == list(enumerate(written.cited, 1))
    for each in found["citations"]:
        source = SOURCES[each["source"] - 1]
        quote = each["quote"]
        assert (
            not quote
            or source["text"][quote["start"] - source["start"] : quote["end"] - source["start"]] == quote["text"]
        )

import pytest
from hypothesis import given

from chains.answers.citations import Renumbering
from chains.answers.statements import Statement, statements, without_markers
from tests.chains.answers.test_markers import MARKDOWN

FENCE = "```"


def read(answer: str) -> list[tuple[str, Statement]]:
    written = Renumbering({1, 2, 3})
    written.feed(answer)
    written.end()
    found = statements(written.text, written.markers)
    return [(written.text[each.start : each.end], each) for each in found]


def uncited(answer: str) -> list[str]:
    return [text for text, each in read(answer) if each.claims and not each.cites]


@pytest.mark.parametrize(
    ("answer", "cites"),
    [
        ("Tea is green [1]. Coffee is black [2]", [(1,), (2,)]),
        ("Tea is green. [1] Coffee is black. [2]", [(1,), (2,)]),
        ("Tea is green.[1] Coffee is black.[2][3]", [(1,), (2, 3)]),
        ("茶是绿色的。[1]咖啡是黑色的[2]。", [(1,), (2,)]),
        ("According to [1], tea is green. It is, e.g. here, a leaf.", [(1,), ()]),
        ("It says “Tea is green. It is a leaf.” [1]", [(1,)]),
        ("It is `a. B` so [1].", [(1,)]),
        ("Tea is green.\n\n[1][2]", [(1, 2)]),
        ("> Tea is green.\n\n[1]", [(1,)]),
        ("[1]", [(1,)]),
        ("> Tea is green. It is a leaf.\n> [1]", [(1,)]),
        ("| tea | green [1] |\n| coffee | black |", [(1,), ()]),
    ],
)
def test_each_sentence_has_its_citations(answer: str, cites: list[tuple[int, ...]]) -> None:
    assert [each.cites for _, each in read(answer)] == cites


def test_a_claim_without_a_citation_is_uncited() -> None:
    answer = "Tea steeps for two minutes. Coffee takes four minutes [1]. Water boils at sea level [7]."
    assert uncited(answer) == ["Tea steeps for two minutes.", "Water boils at sea level [7?]."]


def test_one_citation_at_the_end_is_not_enough_for_a_paragraph() -> None:
    assert uncited("Tea steeps for two minutes. Water boils first [1].") == ["Tea steeps for two minutes."]


@pytest.mark.parametrize(
    "answer",
    [
        "# Tea steeps two minutes\n\n**Tea steeps two minutes**\n\nTea steeps two minutes\n===",
        "How long does green tea steep? 绿茶需要几分钟？",
        "To steep green tea, take these steps:",
        "这些是绿茶的步骤：",
        "Sure! Yes. Hello there!",
        f"{FENCE}\nThe tea steeps two minutes.\n{FENCE}",
        "| Tea | Minutes to steep |\n| --- | --- |",
        "Not from the documents:\n\nGreen tea steeps for two minutes.\n- And black tea for four",
        "**Not from the documents:** Green tea steeps for two minutes.",
        "Nicht aus den Dokumenten: Grüner Tee zieht zwei Minuten lang.",
        "Не из документов:\n\nЗелёный чай заваривают две минуты.",
        "The documents do not say how hot the water has to be.",
        "There is no information about the price in the passages provided.",
        "The price isn't mentioned in the sources.",
        "Die Dokumente nennen keinen Preis.",
        "Les documents ne mentionnent pas le prix.",
        "Los documentos no mencionan el precio.",
        "В документах не указана цена чая.",
        "文档中没有提到价格。",
        "I hope this helps! Let me know if you need anything else.",
        "Ich hoffe, das hilft! Lassen Sie mich wissen, was Sie noch brauchen.",
        "J’espère que cela vous aide. N’hésitez pas à demander. Espero que esto te sirva.",
        "Надеюсь, это поможет вам. 希望以上内容对你有帮助！",
        "",
    ],
)
def test_what_claims_nothing_needs_no_citation(answer: str) -> None:
    assert uncited(answer) == []


def test_what_is_not_about_the_documents_is_no_excuse() -> None:
    assert len(uncited("Old documents are not deleted from the store. The server contains no index.")) == 2


@pytest.mark.parametrize(
    ("answer", "left"),
    [
        ("There are two teas [1]:\n- green tea\n- black tea\n\n  left long\n\nMilk is white here.", ["Milk is white here."]),
        ("There are two teas:\n- green tea\n- black tea [1]", ["green tea"]),
        ("These take minutes [1]:\n\n| tea | two |\n| milk | none |\n\n# More\n- milk", ["milk"]),
        ("- Teas [1]:\n  - green tea\n- Milk", ["Milk"]),
        ("The book says [1]:\n\n> Tea is green. Tea is a leaf.\n\nMilk is white here.", ["Milk is white here."]),
    ],
)  # fmt: skip
def test_a_list_may_be_cited_by_its_lead_in(answer: str, left: list[str]) -> None:
    assert uncited(answer) == left


@given(MARKDOWN)
def test_statements_are_stretches_in_their_order(text: str) -> None:
    at = 0
    for stretch, each in read(text):
        assert at <= each.start < each.end
        assert stretch == stretch.strip()
        at = each.end


@given(MARKDOWN)
def test_markers_are_blanked_in_their_place(text: str) -> None:
    written = Renumbering({1, 2})
    written.feed(text)
    written.end()
    blanked = without_markers(written.text, written.markers)
    assert len(blanked) == len(written.text)
    assert all(blanked[marker.start : marker.end].isspace() for marker in written.markers)

"""The report in a real browser, opened as a file."""

import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from experiments.report.page import render, write_report
from experiments.results import Results
from experiments.statistics.analysis import analyse
from tests.support.browser import CHROMIUM, MISSING, open_browser, violations
from tests.support.sample_run import ARMS, sample_results

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

in_browser = pytest.mark.skipif(CHROMIUM is None, reason=MISSING)
Open = Callable[..., "Page"]


@pytest.fixture(scope="module")
def results() -> Results:
    return sample_results()


@pytest.fixture(scope="module")
def html(results: Results) -> str:
    return render(results, analyse(results))


@pytest.fixture(scope="module")
def file(html: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(html, "utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    with open_browser() as opened:
        yield opened


@pytest.fixture
def opened(browser: "Browser", file: str) -> Iterator[Open]:
    """Open the report; nothing may be asked for elsewhere, and the console stays silent."""
    told: list[str] = []
    contexts = []

    def make(width: int = 1280, scheme: Any = "light", where: str = "") -> "Page":
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: told.append(message.text))
        page.on("pageerror", lambda error: told.append(str(error)))
        page.on("request", lambda request: told.append(request.url) if request.url != file else None)
        page.goto(file + where)
        page.wait_for_selector(".chip", state="attached")
        return page

    yield make
    for context in contexts:
        context.close()
    assert [each for each in told if not each.startswith(file)] == []


def cards(page: "Page") -> list[str]:
    return [card.get_attribute("id") or "" for card in page.locator(".card:visible").all()]


def test_the_same_run_gives_the_same_bytes(results: Results, html: str) -> None:
    assert render(results, analyse(results)) == html


def test_its_plots_are_well_formed_and_share_no_name(html: str) -> None:
    plots = ["<svg" + part.split("</svg>")[0] + "</svg>" for part in html.split("<svg")[1:]]
    assert len(plots) == 3
    names: list[str] = []
    for plot in plots:
        tree = ET.fromstring(plot.replace("xlink:", ""))  # noqa: S314 - made here
        names += [each.attrib["id"] for each in tree.iter() if "id" in each.attrib]
        assert tree.attrib["role"] == "img"
        assert tree.attrib["aria-label"]
    assert len(names) == len(set(names))


def test_an_empty_run_has_a_report_too(results: Results, tmp_path: Path) -> None:
    empty = Results("empty", results.arms, results.queries, [], 0, 1, {})
    write_report(empty, analyse(empty), tmp_path / "r.html")
    assert "No comparison shows a difference" in (tmp_path / "r.html").read_text("utf-8")


@in_browser
def test_the_worst_question_comes_first_by_any_metric(opened: Open, results: Results) -> None:
    page = opened()
    for name, better in (("token_f1", 1), ("seconds", -1)):
        page.select_option("#metric", name)
        means = []
        for card in cards(page):
            query = results.queries[int(card.removeprefix("q"))].id
            values = [
                r.measures[name] for r in results.records if r.question == query and r.measures.get(name) is not None
            ]
            means.append(better * sum(v for v in values if v is not None) / len(values) if values else float("inf"))
        assert means == sorted(means)


@in_browser
def test_filters_narrow_the_list(opened: Open, results: Results) -> None:
    page = opened()
    assert len(cards(page)) == len(results.queries) == 14
    page.select_option("#outcome", "failed")
    assert cards(page) == ["q3"]
    page.select_option("#outcome", "incomplete")
    assert cards(page) == ["q5"]
    page.select_option("#arm", ARMS[0])
    assert cards(page) == []
    page.select_option("#outcome", "refused")
    assert sorted(cards(page)) == ["q13", "q6"]
    page.select_option("#arm", "")
    page.select_option("#outcome", "")
    page.select_option("#lang", "de")
    assert set(cards(page)) == {"q4", "q9"}
    page.select_option("#lang", "")
    page.select_option("#kind", "unanswerable")
    page.fill("#words", "cup 2003")
    assert cards(page) == ["q13"]
    assert page.inner_text("#count") == "1 of 14 questions, worst first"


@in_browser
def test_a_question_shows_all_answers_with_what_is_wrong_in_them(opened: Open) -> None:
    page = opened(where="#q3")
    card = page.locator("#q3")
    assert card.get_attribute("open") is not None, "its address opens it"
    assert card.locator(".arm").count() == 3
    assert "503, the server failed" in card.locator(".arm.failed .problem").inner_text()
    assert "No citation" not in card.locator(".arm").first.inner_text()
    page.locator("#q6 > summary").click()
    assert page.locator("#q6 .arm.refused").count() == 2
    assert "the documents do not answer it" in page.locator("#q6").inner_text()


@in_browser
def test_a_citation_opens_its_passage_with_gold_and_quote(opened: Open) -> None:
    page = opened()
    page.locator("#q1 > summary").click()
    page.locator("#q1 a.cite").first.click()
    passage = page.locator("#q1 .cited").first
    assert passage.get_attribute("open") is not None
    assert passage.locator("mark.gold").first.inner_text() == "kept in a closed tin"
    assert passage.locator("mark.quote").count() == 1


@in_browser
def test_texts_do_nothing(opened: Open) -> None:
    page = opened()
    page.locator("#q0 > summary").click()
    for each in page.locator("#q0 details").all():
        each.evaluate("element => { element.open = true; }")
    assert page.title() == "sample · askmd experiment"
    assert page.locator("#q0 img").count() == 0
    assert "<script>document.title" in page.locator("#q0 .cited").first.inner_text()
    assert page.locator("#q0 .answer a:not(.cite)").count() == 0


@in_browser
def test_changes_are_shown_where_that_is_wanted(opened: Open) -> None:
    page = opened(where="#q1")
    page.check("#changes")
    assert page.locator("#q1 .changes:visible ins").count() > 0
    assert page.locator("#q1 .arm").nth(2).locator(".answer").is_hidden()
    page.uncheck("#changes")
    assert page.locator("#q1 .changes:visible").count() == 0


@in_browser
def test_the_table_is_sorted_by_any_column_from_the_keyboard(opened: Open) -> None:
    page = opened()
    head = page.locator(".matrix th").filter(has_text="Cost")
    head.locator("button").focus()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert [row.inner_text() for row in page.locator(".matrix tbody th").all()] == list(ARMS)
    page.keyboard.press("Enter")
    assert [row.inner_text() for row in page.locator(".matrix tbody th").all()] == list(reversed(ARMS))


@in_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_everybody_can_read_it(opened: Open, scheme: str, width: int) -> None:
    page = opened(width, scheme, "#q1")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert violations(page) == []

"""Pictures of an experiment's report: `python -m tests.support.report_pictures FOLDER [REPORT.html]`."""

import sys
from pathlib import Path
from typing import Any

from experiments.report.page import write_report
from experiments.statistics.analysis import analyse
from tests.support.browser import open_browser
from tests.support.sample_run import sample_results


def main(folder: Path, report: Path | None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if report is None:
        report = folder / "report.html"
        results = sample_results()
        write_report(results, analyse(results), report)
    with open_browser() as browser:
        for name, scheme, width in (("light", "light", 1280), ("dark", "dark", 1280), ("phone", "light", 390)):
            look: Any = {"color_scheme": scheme, "viewport": {"width": width, "height": 900}}
            with browser.new_context(**look) as context:
                page = context.new_page()
                page.goto(report.resolve().as_uri())
                page.wait_for_selector(".chip")
                page.screenshot(path=folder / f"{name}-top.png")
                page.locator(".card summary").first.click()
                page.locator("#questions").scroll_into_view_if_needed()
                page.screenshot(path=folder / f"{name}-question.png")
                page.screenshot(path=folder / f"{name}-whole.png", full_page=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if sys.argv[2:] else None)

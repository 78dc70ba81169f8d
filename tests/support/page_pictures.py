"""Pictures of the page, as people see it: `python -m tests.support.page_pictures FOLDER`."""

import sys
import tempfile
from pathlib import Path
from typing import Any

from config.serving import ServingSettings
from config.settings import Settings
from ingest.pipeline import ingest
from tests.support.app_server import AppServer
from tests.support.browser import open_browser
from tests.support.chat_replies import Failure, Reply
from tests.support.chat_server import ChatServer

PROJECT = Path(__file__).parents[2]
QUESTION = "What does ingest do with files that did not change?"
ANSWER = """\
Nothing: ingest compares the hash of each file with the hash in the store, and **skips a file whose hash is the same** \
without splitting or embedding it [1].

- Of a changed file, only chunks whose text is new are embedded; all others keep their vectors [3].
- What would have to be done can be listed beforehand [2]:

```sh
askmd status --check
```
"""


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, ChatServer() as chat, open_browser() as browser:
        models = {"deepseek": {"base_url": chat.root_url, "api_key_env": None, "max_retries": 0}}
        settings = Settings(milvus_uri=str(Path(scratch, "s.db")), models=models)
        ingest(settings, PROJECT / "docs")
        with AppServer(settings, ServingSettings()) as server:
            for name, scheme, size in (
                ("light", "light", (1280, 860)),
                ("dark", "dark", (1280, 860)),
                ("phone", "light", (390, 844)),
                ("phone-dark", "dark", (390, 844)),
            ):
                width, height = size
                look: Any = {"color_scheme": scheme, "viewport": {"width": width, "height": height}}
                with browser.new_context(**look) as context:
                    page = context.new_page()
                    page.goto(server.url)
                    page.wait_for_selector("#llm option", state="attached")
                    page.screenshot(path=folder / f"{name}-welcome.png")
                    chat.script(Reply(ANSWER))
                    page.fill("#question", QUESTION)
                    page.keyboard.press("Enter")
                    page.wait_for_selector(".facts")
                    page.screenshot(path=folder / f"{name}-answer.png")
                    page.click("button.cite >> nth=0")
                    page.wait_for_selector("#passage[open] .marked")
                    page.screenshot(path=folder / f"{name}-passage.png")
                    page.keyboard.press("Escape")
                    chat.script(Failure.of(503, "overloaded"))
                    page.fill("#question", "And of files that did?")
                    page.keyboard.press("Enter")
                    page.wait_for_selector(".problem")
                    page.screenshot(path=folder / f"{name}-problem.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

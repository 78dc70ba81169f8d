"""The documentation is true: what it names exists, what exists is named, its links lead somewhere, its examples run."""

import gc
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import typer.main
from markdown_it import MarkdownIt
from markdown_it.token import Token
from pydantic import AliasChoices, SecretStr

from askmd.main import app
from chains.prompting.prompts import load_prompts
from config.models import load_models
from config.serving import ServingSettings
from config.settings import Settings
from ingest.headings import Slugger
from tests.support.app_server import AppServer
from tests.support.command import call

PROJECT = Path(__file__).parents[2]
README = PROJECT / "README.md"
PAGES = [README, PROJECT / "CONTRIBUTING.md", PROJECT / "CHANGELOG.md", *sorted((PROJECT / "docs").rglob("*.md"))]
MARKDOWN = MarkdownIt().enable("table")
DOCUMENTED = "http://127.0.0.1:8000"
DECIMALS = re.compile(r"\d+\\\.\d+")

Askmd = Callable[[Sequence[str], dict[str, str]], tuple[int, str]]


@dataclass(frozen=True)
class Block:
    """A fenced block; `path` is the second word of its info string: the file that it shows."""

    language: str
    path: str
    text: str


@dataclass
class Command:
    """A line `$ ...` of a console block, and the lines below it."""

    words: list[str]
    shown: list[str]
    status: int = 0


def tokens(page: Path) -> list[Token]:
    return MARKDOWN.parse(page.read_text("utf-8"))


def blocks(page: Path) -> Iterator[Block]:
    for token in tokens(page):
        if token.type == "fence":
            language, path, *_ = [*token.info.split(), "", ""]
            yield Block(language, path, token.content)


def commands(block: Block) -> list[Command]:
    """`$ echo $?` is not a command of its own: below it stands the exit status of the one before."""
    found: list[Command] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            found.append(Command(shlex.split(line[2:]), []))
        else:
            found[-1].shown.append(line)
    for before, command in pairwise(found):
        if command.words == ["echo", "$?"]:
            before.status = int(command.shown[0])
    return [command for command in found if command.words != ["echo", "$?"]]


def pattern(shown: str) -> re.Pattern[str]:
    """What a documented line stands for: decimals and widths of columns vary, `...` is anything."""
    words = " ".join(shown.split())
    return re.compile(DECIMALS.sub(r"[\\d.]+", re.escape(words)).replace(r"\.\.\.", ".*"))


@pytest.fixture
def askmd(monkeypatch: pytest.MonkeyPatch) -> Askmd:
    """The command; the pages' folder of notes lies in the working directory."""
    for block in blocks(PROJECT / "docs/start.md"):
        write(block)
    monkeypatch.setenv("ASKMD_LLM", "offline")

    def answer(arguments: Sequence[str], environment: dict[str, str]) -> tuple[int, str]:
        done = call(arguments, env=environment)
        return done.status, done.stdout + done.stderr

    return answer


def write(block: Block) -> None:
    if block.path:
        Path(block.path).parent.mkdir(parents=True, exist_ok=True)
        Path(block.path).write_text(block.text, "utf-8")


def check(command: Command, askmd: Askmd) -> None:
    words = list(command.words)
    environment = {}
    while "=" in words[0]:
        name, _, environment[name] = words.pop(0).partition("=")
    assert words[0] == "askmd"

    status, output = askmd(words[1:], environment)

    assert status == command.status, output
    lines = [" ".join(line.split()) for line in output.splitlines() if line.strip()]
    shown = [line for line in command.shown if line.strip()]
    for line in shown:
        assert any(pattern(line).fullmatch(real) for real in lines), f"{line!r} is not in\n{output}"
    assert "..." in shown or len(shown) == len(lines), output


class Server:
    """What the examples find at the address that they name: started for the first of them, over the notes."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._url = ""

    def let_find(self, example: str) -> str:
        """Put the address of a running server in the place of the documented one."""
        if DOCUMENTED in example and not self._url:
            self._url = self._stack.enter_context(AppServer(Settings())).url
        return example.replace(DOCUMENTED, self._url)


@pytest.fixture
def server() -> Iterator[Server]:
    with ExitStack() as stack:
        yield Server(stack)


def curl(example: str) -> None:
    """Run a shell block of one curl command; where there is no curl, leave it."""
    if shutil.which("curl"):
        done = subprocess.run(shlex.split(example), capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_the_examples_of_a_page_run_in_its_order(page: Path, askmd: Askmd, server: Server) -> None:
    names: dict[str, Any] = {}
    examples = list(blocks(page))
    if page == README and examples:
        examples.insert(0, Block("console", "", "$ askmd ingest notes\n...\n"))
    for block in examples:
        write(block)
        if block.language == "console":
            for command in commands(block):
                check(command, askmd)
        elif block.language == "python":
            text = server.let_find(block.text)
            exec(compile(text, f"{page.name}, a python block", "exec"), names)  # noqa: S102 - our own pages
        elif block.language == "sh" and block.text.startswith("curl ") and DOCUMENTED in block.text:
            curl(server.let_find(block.text))
    names.clear()
    gc.collect()  # clients of the examples end here, and not in a thread of somebody's server


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_console_blocks_hold_commands_of_askmd_alone(page: Path) -> None:
    for block in blocks(page):
        if block.language == "console":
            assert block.text.startswith("$ "), block.text
            assert all("askmd" in command.words for command in commands(block)), block.text


def slugs(page: Path) -> set[str]:
    slugger = Slugger()
    stream = tokens(page)
    return {
        slugger.slug("".join(child.content for child in inline.children or []))
        for opening, inline in pairwise(stream)
        if opening.type == "heading_open"
    }


def links(page: Path) -> Iterator[str]:
    for token in tokens(page):
        for child in token.children or []:
            if child.type == "link_open":
                yield str(child.attrGet("href"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page):
        parts = urlsplit(link)
        if parts.scheme:
            continue
        target = (page.parent / parts.path).resolve() if parts.path else page
        assert target.is_relative_to(PROJECT), link
        assert target.exists(), link
        assert not parts.fragment or parts.fragment in slugs(target), link


def test_every_page_is_linked_from_the_readme_or_from_a_page_that_is() -> None:
    seen: set[Path] = set()
    ahead = [README]
    while ahead:
        page = ahead.pop()
        seen.add(page)
        found = {(page.parent / urlsplit(link).path).resolve() for link in links(page) if not urlsplit(link).scheme}
        ahead += [target for target in found - seen if target.suffix == ".md" and target not in ahead]
    assert set(PAGES) <= seen


def test_the_answer_on_the_readme_is_what_the_documentation_says() -> None:
    shown = next(block.text for block in blocks(README) if block.text.startswith("$ askmd ingest docs"))
    pages = " ".join(" ".join(page.read_text("utf-8").split()) for page in PAGES if page != README)
    quotes = re.findall("“(.+?)”", shown)
    assert quotes
    assert all(quote in pages for quote in quotes)
    sources = re.findall(r"\[\d\] (docs/\S+):(\d+)  .*?([^›\n]+)$", shown, re.MULTILINE)
    assert sources
    for path, line, heading in sources:
        lines = (PROJECT / path).read_text("utf-8").splitlines()
        assert int(line) <= len(lines), path
        assert heading.strip() in {line.lstrip("# ") for line in lines}, heading


def manual() -> str:
    return "\n".join(page.read_text("utf-8") for page in PAGES if page.name != "CHANGELOG.md")


def test_every_command_and_every_option_is_documented() -> None:
    group: Any = typer.main.get_command(app)
    text = manual()
    for name, command in group.commands.items():
        assert f"askmd {name}" in text, name
        for parameter in command.params:
            for option in parameter.opts:
                assert not option.startswith("--") or re.search(rf"{option}\b", text), f"{name} {option}"


def test_no_command_is_documented_that_does_not_exist() -> None:
    group: Any = typer.main.get_command(app)
    mentioned = set(re.findall(r"(?:`|\$ )(?:[A-Z_]+=\S+ )*askmd ([a-z]\w*)", manual()))
    assert mentioned <= set(group.commands)


def settings_table() -> dict[str, tuple[str, str]]:
    text = (PROJECT / "docs/settings.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \| (?:`([^`]+)`|none) \|", text, re.MULTILINE)
    return {name: (variable, default) for name, variable, default in rows}


def test_every_setting_stands_in_the_table_with_its_variable_and_its_default() -> None:
    expected = {}
    for name, field in (Settings.model_fields | ServingSettings.model_fields).items():
        alias = field.validation_alias
        variable = str(alias.choices[0]) if isinstance(alias, AliasChoices) else f"ASKMD_{name.upper()}"
        default = field.get_default(call_default_factory=True, validated_data={})
        default = default.get_secret_value() if isinstance(default, SecretStr) else default
        expected[name] = (variable, str(default) if default else "")
    assert settings_table() == expected


def test_the_variables_of_the_table_are_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {
        "mode": "off",
        "splitter": "langchain",
        "index": "HNSW",
        "shards": "2",
        "order": "document",
        "models": "{}",
        "gate": "0.5",
    }
    values |= {
        "host": "::1",
        "workers": "2",
        "max_body_bytes": "2000",
        "max_history_messages": "7",
        "log_questions": "1",
        "parts": "0",
    }
    for name, (variable, default) in settings_table().items():
        number = re.fullmatch(r"[\d.]+", default)
        monkeypatch.setenv(variable, values.get(name, "100" if number else "changed"))
    settings = Settings()
    for name, field in Settings.model_fields.items():
        assert name == "models" or getattr(settings, name) != field.default, name
    serving = ServingSettings()
    for name, field in ServingSettings.model_fields.items():
        assert getattr(serving, name) != field.default, name


def test_every_model_is_documented_with_its_id_and_its_key() -> None:
    page = (PROJECT / "docs/models.md").read_text("utf-8")
    for name, spec in load_models({}).items():
        row = re.search(rf"^\| `{name}` \|.*$", page, re.MULTILINE)
        assert row, name
        assert all(f"`{value}`" in row[0] for value in (spec.model, spec.api_key_env) if value and value != "default")


def test_every_key_of_a_registry_entry_is_documented() -> None:
    page = (PROJECT / "docs/models.md").read_text("utf-8")
    spec = load_models({})["deepseek"]
    for key in set(type(spec).model_fields) - {"name"}:
        assert f"`{key}`" in page, key


def test_every_prompt_is_documented() -> None:
    page = (PROJECT / "docs/prompts.md").read_text("utf-8")
    for name in load_prompts():
        assert f"- `{name}`" in page


def test_the_example_of_an_environment_names_real_variables() -> None:
    named = re.findall(r"^(?:# )?([A-Z_]+)=", (PROJECT / ".env.example").read_text("utf-8"), re.MULTILINE)
    known = {variable for variable, _ in settings_table().values()}
    known |= {spec.api_key_env for spec in load_models({}).values() if spec.api_key_env}
    assert named
    assert set(named) <= known


def test_the_example_of_an_environment_changes_nothing_as_it_is() -> None:
    Path(".env").write_text((PROJECT / ".env.example").read_text("utf-8"), "utf-8")
    assert Settings() == Settings(_env_file=None)

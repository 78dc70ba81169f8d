"""A root behind an address, through the commands: ingested, found, checked, and not watched."""

from pathlib import Path

import pygit2
import pytest

from tests.support.command import askmd, askmd_json, call
from tests.support.stores import write_files


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ASKMD_EMBEDDING", "multilingual")
    folder = tmp_path / "repository"
    pygit2.init_repository(folder, initial_head="main")
    commit(folder, {"docs/tea.md": "# Tea\n\nGreen tea steeps for two minutes.\n"})
    return folder


def commit(folder: Path, files: dict[str, str]) -> None:
    write_files(folder, files)
    repository = pygit2.Repository(folder)
    repository.index.add_all()
    me = pygit2.Signature("A", "a@example.org")
    parents = [] if repository.head_is_unborn else [repository.head.target]
    repository.create_commit("refs/heads/main", me, me, "more", repository.index.write_tree(), parents)


def test_a_branch_is_ingested_found_and_checked(repository: Path) -> None:
    address = f"git://{repository}:main@docs"
    report = askmd_json("ingest", address)
    hit = askmd_json("search", "How long does green tea steep?")["hits"][0]
    shown = askmd("search", "How long does green tea steep?")
    commit(repository, {"docs/tea.md": "# Tea\n\nGreen tea steeps for three minutes.\n", "docs/new.md": "# New\n"})
    [root] = askmd_json("status", "--check")["roots"]

    assert (report["added"], report["reported"]) == (1, [])
    assert hit["path"] == f"{address}/tea.md"
    assert f"{address}/tea.md:1" in shown.stdout
    assert (root["name"], root["path"]) == ("docs", address)
    assert (root["changed"], root["gone"], root["new"]) == (["tea.md"], [], ["new.md"])


def test_a_branch_is_not_watched(repository: Path) -> None:
    done = call(["ingest", f"git://{repository}:main@docs", "--watch"])

    assert done.status == 1
    assert "cannot be watched" in done.stderr

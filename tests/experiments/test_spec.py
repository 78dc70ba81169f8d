from pathlib import Path

import pytest

from config.errors import ConfigError
from config.settings import Settings
from experiments.spec import Spec, arms, read_spec, settings_of
from tests.experiments.runs import settings, write_spec


def names(matrix: str, tmp_path: Path) -> list[str]:
    spec = write_spec(tmp_path, matrix)
    return [arm.name for arm in arms(spec, settings_of(spec, settings()))]


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        ("", ["deepseek"]),
        ('llm = ["offline", "local"]', ["offline", "local"]),
        ('context = ["rag", "none", "full"]', ["rag", "none", "full"]),
        ('context = ["rag", "none"]\nk = [3, 5]', ["rag · k 3", "rag · k 5", "none"]),
        ('prompt = ["grounded", "tutorial", "bare"]', ["rag · grounded", "rag · tutorial", "none"]),
        ('llm = ["offline", "local"]\ncontext = ["rag", "none"]\nmode = ["strict"]',
         ["rag · offline · mode strict", "rag · local · mode strict", "none · offline", "none · local"]),
    ],
)  # fmt: skip
def test_an_arm_is_named_after_what_sets_it_apart(tmp_path: Path, matrix: str, expected: list[str]) -> None:
    assert names(matrix, tmp_path) == expected


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        ('llm = ["gpt"]', "no model is called 'gpt'"),
        ('prompt = ["nope"]', "no prompt is called 'nope'"),
    ],
)
def test_a_name_that_does_not_exist_is_told(tmp_path: Path, matrix: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        names(matrix, tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name = ", "is not valid TOML"),
        ('name = "x"', "queries"),
        ('name = "a b"\nqueries = "q"', "name"),
        ('name = "x"\nqueries = "q"\nrepeat = 3', "repeat"),
        ('name = "x"\nqueries = "q"\nrepeats = 0', "repeats"),
        ('name = "x"\nqueries = "q"\npairwise = true', "there is no `judge`"),
        ('name = "x"\nqueries = "q"\n[matrix]\ncontext = ["web"]', "context"),
        ('name = "x"\nqueries = "q"\n[matrix]\ntemperature = [1]', "temperature"),
        (
            'name = "x"\nqueries = "q"\n[settings]\nmilvus_token = "t"',
            "settings.milvus_token is no setting that a spec may make",
        ),
        ('name = "x"\nqueries = "q"\n[settings]\nmodels = {}', "settings.models"),
        (
            'name = "x"\nqueries = "q"\n[settings]\nembedding_base_url = "http://evil.example"',
            "settings.embedding_base_url",
        ),
    ],
)
def test_a_spec_that_cannot_be_used_is_told_with_its_file(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "s.toml").write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=message) as caught:
        read_spec(tmp_path / "s.toml")
    assert "s.toml" in str(caught.value)


def test_settings_of_a_spec_are_checked_and_win() -> None:
    spec = Spec(name="x", queries=Path("q"), settings={"k": 7, "mode": "off"})
    assert (settings_of(spec, Settings(k=3)).k, settings_of(spec, Settings()).mode) == (7, "off")
    with pytest.raises(ConfigError, match="setting k"):
        settings_of(Spec(name="x", queries=Path("q"), settings={"k": 0}), Settings())


def test_stores_vary_only_where_there_is_something_to_ingest(tmp_path: Path) -> None:
    spec = write_spec(tmp_path, "chunk_tokens = [50, 100]").model_copy(update={"corpus": None})
    with pytest.raises(ConfigError, match="only where the spec names a `corpus`"):
        arms(spec, Settings())

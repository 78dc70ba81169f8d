import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.answers.support import best_quote
from tests.chains.answers.test_markers import MARKDOWN
from tests.chains.prompting.test_context import evidence

PASSAGE = """\
# Storage of data

Data is kept in a store. The log is written before the data is.
Metadata goes to etcd, as the picture shows.

| Part | Port |
| --- | --- |
| proxy | 19530 |

- Object storage holds
  the index files.

```sh
$ askmd ingest docs
askmd status
```
"""


@pytest.mark.parametrize(
    ("statement", "quote", "lines"),
    [
        ("Metadata is stored in etcd", "Metadata goes to etcd, as the picture shows.", (14, 14)),
        ("First the log is written, then the data", "The log is written before the data is.", (13, 13)),
        ("The proxy listens on 19530", "| proxy | 19530 |", (18, 18)),
        ("Files of an index are held in object storage", "Object storage holds\n  the index files.", (20, 21)),
        ("Call `askmd ingest`", "$ askmd ingest docs", (24, 24)),
    ],
)
def test_the_sentence_with_most_of_the_terms_is_quoted(statement: str, quote: str, lines: tuple[int, int]) -> None:
    found = best_quote(statement, evidence(PASSAGE, start=100, start_line=11))

    assert found is not None
    assert found["text"] == quote
    assert (found["start_line"], found["end_line"]) == lines
    assert PASSAGE[found["start"] - 100 : found["end"] - 100] == quote


@pytest.mark.parametrize(
    ("statement", "passage", "quote"),
    [
        ("Die Metadaten werden in etcd gespeichert", "Alles ist frei. Metadaten liegen in etcd.", "Metadaten liegen in etcd."),
        ("Данные хранятся на диске", "Журнал отдельно. Вставленные данные на дисках.", "Вставленные данные на дисках."),
        ("数据存储在对象存储中", "索引可以加快搜索。插入的数据存储在对象存储中。", "插入的数据存储在对象存储中。"),
    ],
)  # fmt: skip
def test_other_languages(statement: str, passage: str, quote: str) -> None:
    found = best_quote(statement, evidence(passage))
    assert found is not None
    assert found["text"] == quote


def test_nothing_is_quoted_where_no_term_is_shared() -> None:
    assert best_quote("绿茶需要两分钟", evidence("Green tea steeps for two minutes.")) is None
    assert best_quote("Green tea", evidence("")) is None


def test_of_equals_the_one_with_fewer_other_terms_wins() -> None:
    found = best_quote("the port", evidence("A port, a proxy, a log and a lid. The port is open."))
    assert found is not None
    assert found["text"] == "The port is open."


@given(MARKDOWN, st.text(alphabet="ab word字。[]1", max_size=20), st.integers(0, 50), st.integers(1, 9))
def test_a_quote_is_an_exact_slice(text: str, statement: str, start: int, line: int) -> None:
    found = best_quote(statement, evidence(text, start=start, start_line=line))

    if found is not None:
        before = text[: found["start"] - start].replace("\r\n", "\n").replace("\r", "\n")
        assert found["text"] == text[found["start"] - start : found["end"] - start] != ""
        assert found["start_line"] == line + before.count("\n")
        assert found["end_line"] >= found["start_line"]

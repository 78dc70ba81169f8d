"""Question files: JSON lines of questions with the passages that answer them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from config.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Passage:
    """Text that answers a question: `excerpt` stands in `doc` at character `start`, or anywhere where that is None."""

    doc: str
    excerpt: str
    start: int | None


Need = tuple[Passage, ...]
"""One thing that a whole answer must rest on; any one of its passages gives it."""


@dataclass(frozen=True, slots=True)
class Query:
    """A question, and what must be found for it: no needs mean that the documents do not answer it."""

    id: str
    lang: str
    kind: str
    question: str
    needs: tuple[Need, ...]
    answers: tuple[str, ...] = ()
    """Reference answers, any one of which is right; none where nobody wrote one."""
    key_facts: tuple[tuple[str, ...], ...] = ()
    """What a right answer must mention, each in any one of several wordings."""


class _Place(BaseModel):
    model_config = ConfigDict(strict=True)

    doc: str = Field(min_length=1)
    excerpt: str = Field(pattern=r"\S")
    start: int | None = Field(default=None, ge=0)
    alt: bool = False


class Question(BaseModel):
    """A line that asks something; other fields are ignored."""

    model_config = ConfigDict(strict=True)

    id: str | int
    question: str = Field(pattern=r"\S")


class _Line(Question):
    relevant: list[_Place]
    lang: str = ""
    kind: str = ""
    all_required: bool | None = None
    also_in: list[str] = []
    answers: list[str] = []
    key_facts: list[str | list[str]] = []


_Form = TypeVar("_Form", bound=BaseModel)


def read_lines(path: Path, form: type[_Form]) -> Iterator[tuple[str, _Form]]:
    """Give each line of a file with its place. Raises ConfigError that names the file and the line."""
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {path}: {error}") from None
    # Not splitlines(): a string in JSON may hold U+2028 and its like.
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield f"{path}:{number}", form.model_validate_json(line)
            except ValidationError as error:
                raise ConfigError(f"{path}:{number}: {describe(error)}") from None


def read_queries(path: Path) -> list[Query]:
    """Read a question file. Raises ConfigError that names the file and the line."""
    queries: dict[str, Query] = {}
    for place, line in read_lines(path, _Line):
        query = _query(line)
        if query.id in queries:
            raise ConfigError(f"{place}: the id {query.id!r} was there before")
        queries[query.id] = query
    if not queries:
        raise ConfigError(f"{path} holds no questions")
    return list(queries.values())


def require_documents(queries: Sequence[Query], docs: set[str]) -> None:
    """Raise ConfigError if none is there: a wrong root would otherwise look like very bad retrieval."""
    wanted = [passage.doc for query in queries for need in query.needs for passage in need]
    if wanted and docs.isdisjoint(wanted):
        raise ConfigError(
            f"the store holds none of the documents that the questions name, such as {wanted[0]!r}; "
            "their paths must be relative to the folder that was ingested"
        )


def describe(error: ValidationError) -> str:
    """Name the first thing that is wrong, and where."""
    first = error.errors(include_url=False)[0]
    return ": ".join([*filter(None, [".".join(map(str, first["loc"]))]), str(first["msg"])])


def _query(line: _Line) -> Query:
    """An alternative (`alt`) belongs to the passage before it; without `all_required` all belong together."""
    needs: list[list[Passage]] = []
    for place in line.relevant:
        if not needs or (line.all_required and not place.alt):
            needs.append([])
        needs[-1].append(Passage(place.doc, place.excerpt, place.start))
        needs[-1] += [Passage(doc, place.excerpt, None) for doc in line.also_in]
    facts = tuple((fact,) if isinstance(fact, str) else tuple(fact) for fact in line.key_facts)
    return Query(
        str(line.id), line.lang, line.kind, line.question, tuple(map(tuple, needs)), tuple(line.answers), facts
    )

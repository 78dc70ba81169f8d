"""What the splitter keeps of a folder of Markdown, and what LangChain's Markdown splitter keeps of the same files.

    python -m benchmarks.splitting FOLDER [FOLDER ...]

Counted are non-blank characters after front matter. LangChain's chunks keep no offsets: looked at is whether their text
stands in the file at all, how many non-blank characters are in none of them, and how many indented lines (code, nested
lists) have lost their indentation.
"""

import argparse
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from langchain_text_splitters import MarkdownHeaderTextSplitter
from rich.console import Console
from rich.table import Table

from config.errors import SourceError
from ingest.find import find_docs, open_root
from ingest.front_matter import read_front_matter
from ingest.load import decode, read_bytes
from ingest.split import embedded_text, split
from store.embeddings import open_embedding

MAX_TOKENS = 200
HEADERS = [("#" * level, str(level)) for level in range(1, 7)]


@dataclass
class Kept:
    """What became of one folder."""

    files: int = 0
    chunks: int = 0
    characters: int = 0
    covered: int = 0
    twice: int = 0
    inexact: int = 0
    over: int = 0
    seconds: float = 0.0
    reported: list[str] = field(default_factory=list)
    langchain_chunks: int = 0
    langchain_unlike: int = 0
    langchain_lost: int = 0
    indented: int = 0
    langchain_dedented: int = 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="+")
    folders = parser.parse_args().folders
    table = Table("", *[folder.name for folder in folders])
    kept = [measure(folder) for folder in folders]
    for name, cells in rows(kept):
        table.add_row(name, *cells)
    console = Console(width=100)
    console.print(table)
    for folder, each in zip(folders, kept, strict=True):
        for line in each.reported:
            console.print(f"{folder.name}/{line}", highlight=False, markup=False)


def rows(kept: list[Kept]) -> list[tuple[str, list[str]]]:
    return [
        ("files", [f"{k.files:,}" for k in kept]),
        ("chunks", [f"{k.chunks:,}" for k in kept]),
        ("non-blank characters", [f"{k.characters:,}" for k in kept]),
        ("in a chunk", [percent(k.covered, k.characters) for k in kept]),
        ("in two chunks", [f"{k.twice:,}" for k in kept]),
        ("chunks that are exact slices", [percent(k.chunks - k.inexact, k.chunks) for k in kept]),
        (f"chunks over {MAX_TOKENS} tokens", [f"{k.over:,}" for k in kept]),
        ("reported", [f"{len(k.reported):,}" for k in kept]),
        ("splitting, tokens counted, s", [f"{k.seconds:.1f}" for k in kept]),
        ("MarkdownHeaderTextSplitter: chunks", [f"{k.langchain_chunks:,}" for k in kept]),
        ("… that do not stand in the file", [percent(k.langchain_unlike, k.langchain_chunks) for k in kept]),
        ("… non-blank characters lost", [f"{k.langchain_lost:,}" for k in kept]),
        ("… indented lines that lost it", [percent(k.langchain_dedented, k.indented) for k in kept]),
    ]


def percent(part: int, whole: int) -> str:
    return f"{100 * part / max(1, whole):.2f} %"


def measure(folder: Path) -> Kept:
    kept = Kept()
    root = open_root(folder)
    token_starts = open_embedding("minilm").token_starts
    for doc in find_docs(root).docs:
        kept.files += 1
        try:
            source = decode(doc, read_bytes(root, doc))
        except SourceError as error:
            kept.reported.append(f"{doc}: skipped: {error}")
            continue
        started = time.perf_counter()
        result = split(source.text, token_starts=token_starts, max_tokens=MAX_TOKENS)
        kept.seconds += time.perf_counter() - started
        kept.reported += [f"{doc}: {note}" for note in (*source.notes, *result.notes)]
        kept.chunks += len(result.chunks)
        kept.over += sum(len(token_starts(embedded_text(chunk))) > MAX_TOKENS for chunk in result.chunks)
        kept.inexact += sum(source.text[chunk.start : chunk.end] != chunk.text for chunk in result.chunks)
        count_covered(kept, source.text, [(chunk.start, chunk.end) for chunk in result.chunks])
        try_langchain(kept, source.text)
    return kept


def count_covered(kept: Kept, text: str, spans: list[tuple[int, int]]) -> None:
    times = [0] * (len(text) + 1)
    for start, end in spans:
        times[start] += 1
        times[end] -= 1
    depth = 0
    body = read_front_matter(text).end
    for place, character in enumerate(text):
        depth += times[place]
        if place >= body and not character.isspace() and character != "\ufeff":
            kept.characters += 1
            kept.covered += depth > 0
            kept.twice += depth > 1


def try_langchain(kept: Kept, text: str) -> None:
    body = text[read_front_matter(text).end :]
    documents = MarkdownHeaderTextSplitter(HEADERS, strip_headers=False).split_text(body)
    contents = [document.page_content for document in documents]
    kept.langchain_chunks += len(contents)
    kept.langchain_unlike += sum(content not in body for content in contents)
    kept.langchain_lost += (characters(body) - sum(map(characters, contents), Counter())).total()
    kept.indented += (lines := indented_lines(body)).total()
    kept.langchain_dedented += (lines - sum(map(indented_lines, contents), Counter())).total()


def characters(text: str) -> Counter[str]:
    return Counter(character for character in text if not character.isspace() and character != "\ufeff")


def indented_lines(text: str) -> Counter[str]:
    lines = (line.rstrip() for line in text.splitlines())
    return Counter(line for line in lines if line[:1].isspace() and line.strip())


if __name__ == "__main__":
    main()

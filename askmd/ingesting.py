"""`askmd ingest` and `askmd remove`: progress on a terminal, one line at the end."""

import sys
from dataclasses import replace

import typer

from config.errors import ConfigError
from config.settings import Settings
from ingest.pipeline import IngestOptions, ingest
from ingest.report import SyncReport
from store.milvus import open_store


def run_ingest(settings: Settings, path: str, options: IngestOptions) -> SyncReport:
    """Ingest, with a progress bar where somebody watches."""
    if not sys.stderr.isatty():
        return ingest(settings, path, options)
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("ingesting", total=None)

        def on_file(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        return ingest(settings, path, replace(options, on_file=on_file))


def print_report(report: SyncReport, *, dry_run: bool) -> None:
    """Say what was done in one line, after a line for each file that something is to be said of."""
    for each in report.reported:
        typer.echo(f"{'skipped' if each.skipped else 'note'}: {each.doc}: {each.reason}", err=True)
    files = ", ".join(
        f"{getattr(report, kind)} {kind}" for kind in ("added", "changed", "moved", "deleted", "unchanged")
    )
    chunks = f"{report.chunks} chunks, {report.embedded} {'to embed' if dry_run else 'embedded'}"
    typer.echo(f"{'would be: ' if dry_run else ''}{files} files; {chunks}; {report.seconds:.1f} s")


def remove_root(settings: Settings, root: str) -> int:
    """Take a root out of the store and count its chunks. Raises ConfigError for a name that is not there."""
    with open_store(settings) as store:
        known = store.roots()
        if root not in known:
            raise ConfigError(f"no root is called {root!r}; known: {', '.join(known) or 'none'}")
        chunks = store.chunks_of(root)
        store.delete_root(root)
        return chunks

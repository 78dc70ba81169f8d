"""`askmd ingest --watch`: one sync now, and one whenever files change."""

from collections.abc import Callable
from pathlib import Path

import typer
from watchfiles import DefaultFilter, watch

from config.errors import AskmdError, SourceError
from config.settings import Settings
from ingest.pipeline import IngestOptions, ingest
from ingest.report import SyncReport
from store.connection import is_lite
from store.embeddings import configured_embeddings
from store.location import is_remote

QUIET_MS = 400
"""An editor writes a file in several steps, a checkout many files: sync when nothing changed for so long."""

LONGEST_MS = 5_000


def watch_folder(settings: Settings, location: str, options: IngestOptions, show: Callable[[SyncReport], None]) -> None:
    """Keep the store in step until interrupted, and show each sync that did something.

    A sync that fails is told in a line; the next change tries again. Raises what the first sync raises: what is wrong
    from the start is not worth waiting for.
    """
    if is_remote(location):
        raise SourceError(
            f"{location} cannot be watched, as folders of this machine can; run askmd ingest now and then"
        )
    path = Path(location)
    embeddings = configured_embeddings(settings)
    show(ingest(settings, path, options, embeddings))
    own_file = [Path(settings.milvus_uri).resolve()] if is_lite(settings.milvus_uri) else []
    for _ in watch(path, watch_filter=DefaultFilter(ignore_paths=own_file), debounce=LONGEST_MS, step=QUIET_MS):
        if not path.exists():
            raise SourceError(f"{path} is gone")
        try:
            report = ingest(settings, path, options, embeddings)
        except AskmdError as error:
            typer.echo(f"askmd: {error}", err=True)
            continue
        if report.touched or report.skipped:
            show(report)

"""Where a passage stands, as terminals and editors make links of it."""

from pathlib import Path

from chains.schema import Hit, Place


def place(found: Place) -> str:
    """Give `path:line`, relative to the working directory where the file lies in it."""
    path = Path(found["path"] or found["doc"])
    if path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    return f"{path}:{found['start_line']}"


def other_places(hit: Hit) -> str:
    """Say where the same stands too; empty where nowhere."""
    return f"  (also in {', '.join(map(place, hit['also_in']))})" if hit["also_in"] else ""

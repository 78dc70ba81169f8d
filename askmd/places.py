"""Where a passage stands, as terminals and editors make links of it, and whether it still stands there."""

from pathlib import Path

from chains.schema import Evidence, Hit, Place
from store.location import is_remote


def place(found: Place, line: int | None = None) -> str:
    """Give `path:line`, relative to the working directory where the file lies in it; by default its first line."""
    if is_remote(found["path"]):
        return f"{found['path']}:{line or found['start_line']}"
    path = Path(found["path"] or found["doc"])
    if path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    return f"{path}:{line or found['start_line']}"


def other_places(hit: Hit) -> str:
    """Say where the same stands too; empty where nowhere."""
    return f"  (also in {', '.join(map(place, hit['also_in']))})" if hit["also_in"] else ""


def line_now(source: Evidence, line: int) -> int:
    """Give the line at which a line of a source stands now, as far as that is known."""
    return line + (source.get("line_now") or source["start_line"]) - source["start_line"]


def what_became_of(source: Evidence) -> str:
    """Say in brackets what became of the file of a source since it was ingested; nothing if nothing is known."""
    match source:
        case {"stale": "gone"}:
            return "  (this file is gone)"
        case {"stale": "changed", "line_now": None}:
            return "  (this file changed, and this passage too)"
        case {"stale": "changed", "line_now": line} if line != source["start_line"]:
            return "  (this file changed, and this passage moved)"
        case {"stale": "changed", "line_now": _}:
            return "  (this file changed, but not this passage)"
        case {"stale": "changed"}:
            return "  (this file changed)"
    return ""

"""Where a passage stands, as terminals and editors make links of it."""

from pathlib import Path

from chains.schema import Hit


def place(hit: Hit) -> str:
    """Give `path:line`, relative to the working directory where the file lies in it."""
    path = Path(hit["path"] or hit["doc"])
    if path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    return f"{path}:{hit['start_line']}"

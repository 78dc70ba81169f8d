"""Where a root was ingested from: a path of this machine, or an address that fsspec reaches."""

from pathlib import Path


def is_remote(location: str) -> bool:
    """Tell an address (`s3://bucket/docs`) from a path of this machine."""
    return "://" in location


def path_of(location: str, doc: str) -> str:
    """Give the whole path or address of a file. A root that is a single file is its own only document."""
    if not is_remote(location):
        path = Path(location)
        return str(path if path.name == doc and not path.is_dir() else path / doc)
    own, chained, inside = location.partition("::")  # zip://docs::s3://bucket/docs.zip
    if own.endswith((f"/{doc}", f"@{doc}")):
        return location
    return f"{own}{'' if own.endswith(('/', '@')) else '/'}{doc}{chained}{inside}"

"""The processes of a Ray cluster that was started here, by what they do."""

from contextlib import suppress

import psutil


def ray_workers(task: str = "") -> list[psutil.Process]:
    """Find those below this process that Ray's tasks run in; with `task`, those at work on one of that name."""
    found = psutil.Process().children(recursive=True)
    return [each for each in found if _title(each).startswith(f"ray::{task}")]


def _title(process: psutil.Process) -> str:
    """What Ray calls a process by what it does; nothing of one that has ended (a zombie has no title left)."""
    with suppress(psutil.NoSuchProcess):
        return "".join(process.cmdline()[:1])
    return ""

"""One ingest of a root at a time, and nothing beside a rebuild, also where a server lets many processes write.

Milvus Lite locks its file. On a server the collection's properties hold who is ingesting what; properties know no
compare-and-set, so each claimant writes its name, waits, and looks whether it stands alone.
"""

import json
import os
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import TypedDict

from config.errors import StoreError
from store.collection import Store
from store.connection import is_lite

LEASE_PROPERTY = "askmd.lease."
BEAT = 20.0
"""Seconds between signs of life."""

STALE = 90.0
"""Seconds without one after which the holder on another machine is taken for dead."""

EVERYTHING = "*"
"""What a rebuild holds: all roots."""

SETTLE = 0.3
"""Seconds in which two that claim at the same moment see each other."""


class Lease(TypedDict):
    """Who is ingesting a root."""

    token: str
    host: str
    pid: int
    beat: float


@contextmanager
def lease(store: Store, root: str) -> Iterator[None]:
    """Hold a root, or EVERYTHING, while it is ingested. Raises StoreError where another process is in the way."""
    if is_lite(store.settings.milvus_uri):
        yield
        return
    mine = Lease(token=secrets.token_hex(8), host=socket.gethostname(), pid=os.getpid(), beat=0.0)
    _refuse_if_held(store, root, mine)
    _write(store, root, mine)
    time.sleep(SETTLE)
    _refuse_if_held(store, root, mine)
    done = Event()
    heart = Thread(target=_beat, args=(store, root, mine, done), name="askmd-lease", daemon=True)
    heart.start()
    try:
        yield
    finally:
        done.set()
        heart.join()
        store.set_properties({LEASE_PROPERTY + root: ""})


def _beat(store: Store, root: str, mine: Lease, done: Event) -> None:
    while not done.wait(BEAT):
        with suppress(StoreError):  # the ingest itself meets the same failure and reports it
            _write(store, root, mine)


def _write(store: Store, root: str, mine: Lease) -> None:
    store.set_properties({LEASE_PROPERTY + root: json.dumps({**mine, "beat": time.time()})})


def _refuse_if_held(store: Store, root: str, mine: Lease) -> None:
    for name, text in store.properties().items():
        held_root = name.removeprefix(LEASE_PROPERTY)
        if held_root == name or not text or (root != held_root and EVERYTHING not in (root, held_root)):
            continue
        held: Lease = json.loads(text)
        if held["token"] != mine["token"] and _is_alive(held):
            what = "the collection is being rebuilt" if held_root == EVERYTHING else f"{held_root!r} is being ingested"
            raise StoreError(
                f"{what} by process {held['pid']} on {held['host']}; wait for it to end, "
                f"or {STALE:.0f} seconds if it is dead"
            )


def _is_alive(held: Lease) -> bool:
    if held["host"] != socket.gethostname():
        return time.time() - held["beat"] < STALE
    try:
        os.kill(held["pid"], 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

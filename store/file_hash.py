"""How rows know the version of the file that they were made from."""

import hashlib

MAX_FILE_BYTES = 20_000_000
"""Larger files are not ingested."""


def hash_file(data: bytes) -> str:
    """Give the hash that rows carry of their file, as its bytes are: 32 hexadecimal digits of BLAKE2b."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()

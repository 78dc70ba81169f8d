"""Folders that are not on this machine, or not in its file system: whatever fsspec reaches."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from config.errors import SourceError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem


@dataclass(frozen=True, slots=True)
class RemoteFolder:
    """A folder of a file system, and the address that was asked for: the folder's own, or that of one file in it.

    Its methods raise OSError, whatever the file system itself raises.
    """

    address: str
    files: "AbstractFileSystem"
    path: str

    def entries(self, below: str) -> list[tuple[str, bool]]:
        """Give the names in the folder, or in one below it, in order; with each, whether it is a folder."""
        folder = self._full(below)
        try:
            listed: list[dict[str, Any]] = self.files.ls(folder, detail=True)
        except Exception as error:  # noqa: BLE001 - each file system has errors of its own
            raise _os_error(error) from None
        found = []
        for entry in listed:
            parent, _, name = entry["name"].rstrip("/").rpartition("/")
            if parent.strip("/") == folder.strip("/") and name:  # a page of links leads anywhere
                found.append((name, entry["type"] == "directory"))
        return sorted(found)

    def size(self, doc: str) -> int:
        """Give the bytes of a file, as listed; 0 where the file system does not know."""
        try:
            return int(self.files.size(self._full(doc)) or 0)
        except Exception as error:  # noqa: BLE001
            raise _os_error(error) from None

    def read(self, doc: str) -> bytes:
        """Read a file."""
        try:
            return bytes(self.files.cat_file(self._full(doc)))
        except Exception as error:  # noqa: BLE001
            raise _os_error(error) from None

    def _full(self, doc: str) -> str:
        return f"{self.path}/{doc}".rstrip("/") if self.path else doc


def open_remote(address: str) -> tuple[RemoteFolder, str | None]:
    """Give the folder of an address, and the file's name if it is one of a file. Raises SourceError."""
    parts = urlsplit(address)
    if parts.password is not None or parts.query:
        raise SourceError(
            f"the {parts.scheme}:// address holds a password or a query, which would be kept in the store; "
            "give credentials where the file system looks for them (for s3: the AWS_* variables), and the bare address"
        )
    import fsspec.core

    try:
        files, path = fsspec.core.url_to_fs(address)
        files.invalidate_cache()
        path = path.rstrip("/")
        if address.endswith("/"):  # a listing on the web is told from a page by that alone
            files.ls(path)
            is_folder = True
        else:
            is_folder = not path or files.info(path)["type"] == "directory"
    except FileNotFoundError:
        raise SourceError(f"{address} does not exist") from None
    except ImportError as error:
        raise SourceError(f"{address}: {error}; most file systems come with: pip install 'askmd[remote]'") from None
    except Exception as error:  # noqa: BLE001 - no right to look, no such host, no such protocol: as it calls it
        raise SourceError(f"{address}: {_os_error(error)}") from None
    if is_folder:
        return RemoteFolder(address.rstrip("/"), files, path), None
    parent, _, name = path.rpartition("/")
    return RemoteFolder(address, files, parent), name


def _os_error(error: Exception) -> OSError:
    if isinstance(error, OSError) and error.strerror:
        return error
    return OSError(f"{type(error).__name__}: {' '.join(str(error).split())[:300]}")

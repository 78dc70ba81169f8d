"""Folders that fsspec reaches: real S3 over HTTP, a web server's listing, Git, and one that fails."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import fsspec
import pygit2
import pytest
import s3fs
from fsspec.implementations.memory import MemoryFileSystem
from moto.server import ThreadedMotoServer

from config.errors import SourceError
from config.settings import Settings
from ingest.find import find_docs, open_root
from ingest.load import read_bytes, read_each
from ingest.pipeline import IngestOptions, ingest
from store.location import path_of
from store.milvus import open_store
from tests.support.stores import write_files
from tests.support.web_listing import WebListing

FILES = {
    "a.md": "# A\n\nAlpha is first.\n",
    "sub/b.md": "# B\n\nBeta is second.\n",
    "sub/c.txt": "no Markdown",
    ".hidden/d.md": "# D\n",
    "drafts/e.md": "# E\n",
    ".gitignore": "drafts/\n",
}
DOCS = ["a.md", "sub/b.md"]


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


class Bucket:
    """A bucket of its own for each test, and what an owner does to it."""

    def __init__(self, endpoint: str, name: str) -> None:
        self.name = name
        self._client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
        self._client.create_bucket(Bucket=name)

    def put(self, files: dict[str, str]) -> None:
        for doc, text in files.items():
            self._client.put_object(Bucket=self.name, Key=f"docs/{doc}", Body=text.encode())

    def delete(self, doc: str) -> None:
        self._client.delete_object(Bucket=self.name, Key=f"docs/{doc}")


@pytest.fixture
def bucket(s3: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Bucket:
    s3fs.S3FileSystem.clear_instance_cache()  # each remembers the endpoint that it was made with
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": s3,
        "FSSPEC_S3_ENDPOINT_URL": s3,
    }.items():
        monkeypatch.setenv(name, value)
    found = Bucket(s3, f"b{abs(hash(request.node.nodeid))}")
    found.put(FILES)
    return found


def settings_of(folder: Path) -> Settings:
    return Settings(milvus_uri=str(folder / "s.db"), embedding="multilingual")


def test_a_bucket_is_kept_in_step_as_a_folder_is(bucket: Bucket, tmp_path: Path) -> None:
    settings, address = settings_of(tmp_path), f"s3://{bucket.name}/docs"

    first = ingest(settings, address)
    again = ingest(settings, address)
    bucket.put({"a.md": "# A\n\nAlpha is third.\n", "sub/f.md": "# F\n\nPhi.\n"})
    bucket.delete("sub/b.md")
    changed = ingest(settings, address)

    assert (first.added, first.embedded, first.reported) == (2, 2, [])
    assert (again.unchanged, again.embedded) == (2, 0)
    assert (changed.changed, changed.added, changed.deleted) == (1, 1, 1)
    with open_store(settings) as store:
        assert store.roots() == {"docs": address}
        assert store.docs() == {"a.md", "sub/f.md"}


def test_a_bucket_and_a_folder_come_out_alike(bucket: Bucket, tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    ingest(settings, f"s3://{bucket.name}/docs")

    local = ingest(settings, write_files(tmp_path / "docs", FILES), IngestOptions(name="docs"))

    assert (local.unchanged, local.embedded, local.touched) == (2, 0, 0)


def test_a_single_object_is_a_root_of_its_own(bucket: Bucket) -> None:
    root = open_root(f"s3://{bucket.name}/docs/sub/b.md")

    assert (root.name, root.location) == ("b.md", f"s3://{bucket.name}/docs/sub/b.md")
    assert find_docs(root).docs == ["b.md"]
    assert read_bytes(root, "b.md").decode() == FILES["sub/b.md"]


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_whole_bucket_is_named_after_itself(bucket: Bucket, slash: str) -> None:
    root = open_root(f"s3://{bucket.name}{slash}")

    assert (root.name, find_docs(root).docs) == (bucket.name, ["docs/a.md", "docs/sub/b.md"])


def test_what_is_not_there_is_named(bucket: Bucket) -> None:
    with pytest.raises(SourceError, match=f"s3://{bucket.name}/nowhere does not exist"):
        open_root(f"s3://{bucket.name}/nowhere")


def test_an_endpoint_that_does_not_answer_is_no_empty_folder(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    dead = "http://127.0.0.1:9"
    monkeypatch.setenv("AWS_ENDPOINT_URL", dead)
    monkeypatch.setenv("FSSPEC_S3_ENDPOINT_URL", dead)

    with pytest.raises(SourceError, match=r"s3://.*: .*127\.0\.0\.1:9"):
        open_root(f"s3://{bucket.name}/docs")


def test_a_git_commit_is_a_folder(tmp_path: Path) -> None:
    checkout = write_files(tmp_path / "checkout", {f"docs/{doc}": text for doc, text in FILES.items()})
    repository = pygit2.init_repository(checkout)
    me = pygit2.Signature("A", "a@example.org")
    repository.index.add_all()
    tree = repository.index.write_tree()
    repository.create_commit("refs/heads/main", me, me, "one", tree, [])
    write_files(checkout / "docs", {"a.md": "# not committed\n"})

    root = open_root(f"git://{checkout}:main@docs")

    assert (root.name, find_docs(root).docs) == ("docs", DOCS)
    assert [data for _, data in read_each(root, DOCS)] == [FILES[doc].encode() for doc in DOCS]
    assert path_of(root.location, "sub/b.md") == f"git://{checkout}:main@docs/sub/b.md"
    assert find_docs(open_root(f"git://{checkout}:main@")).docs == ["docs/a.md", "docs/sub/b.md"]


def test_a_listing_on_the_web_is_a_folder(tmp_path: Path) -> None:
    write_files(tmp_path, {"docs/a.md": "# A\n", "docs/sub/b.md": "# B\n", "outside.md": "# O\n"})
    write_files(tmp_path / "docs" / "links", {"index.html": '<a href="../../outside.md">o</a> <a href="c.md">c</a>'})

    with WebListing(tmp_path) as server:
        root = open_root(f"{server.root_url}/docs/")
        assert root.name == "docs"
        assert find_docs(root).docs == ["a.md", "links/c.md", "sub/b.md"]
        assert read_bytes(root, "a.md") == b"# A\n"
        with pytest.raises(SourceError, match="FileNotFoundError|No such file"):
            read_bytes(root, "links/c.md")


class Failing(MemoryFileSystem):  # type: ignore[misc]  # fsspec has no types
    """A file system that a network may lie behind."""

    protocol = "failing"
    store: dict[str, Any] = {}  # noqa: RUF012 - as its base has it
    pseudo_dirs: list[str] = [""]  # noqa: RUF012
    broken: set[str] = set()  # noqa: RUF012

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return str(super()._strip_protocol(path.removeprefix("failing://")))

    def ls(self, path: str, detail: bool = True, **options: Any) -> Any:
        if self._strip_protocol(path) in self.broken:
            raise TimeoutError("the network is down")
        return super().ls(path, detail, **options)

    def cat_file(self, path: str, *args: Any, **options: Any) -> Any:
        if self._strip_protocol(path) in self.broken:
            raise ValueError("half of a reply")
        return super().cat_file(path, *args, **options)


@pytest.fixture
def failing() -> Iterator[Failing]:
    fsspec.register_implementation("failing", Failing, clobber=True)
    files = Failing()
    for doc, text in FILES.items():
        files.pipe_file(f"/docs/{doc}", text.encode())
    yield files
    Failing.store.clear()
    Failing.broken.clear()


@pytest.mark.parametrize("broken", ["/docs/sub", "/docs/sub/b.md"])
def test_what_cannot_be_reached_for_now_keeps_its_rows(failing: Failing, broken: str, tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    ingest(settings, "failing://docs")
    failing.broken.add(broken)

    report = ingest(settings, "failing://docs")

    assert (report.deleted, report.skipped) == (0, 1)
    with open_store(settings) as store:
        assert store.docs() == set(DOCS)


def test_an_outage_of_all_of_it_empties_nothing(failing: Failing, tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    ingest(settings, "failing://docs")
    failing.broken.add("/docs")

    with pytest.raises(SourceError, match="no Markdown under failing://docs"):
        ingest(settings, "failing://docs")


@pytest.mark.parametrize("address", ["ftp://me:hunter2@host/docs", "https://host/docs?sig=hunter2"])
def test_an_address_with_a_secret_is_refused_without_showing_it(address: str) -> None:
    with pytest.raises(SourceError, match="password or a query") as raised:
        open_root(address)

    assert "hunter2" not in str(raised.value)


def test_a_protocol_that_nobody_knows_is_named() -> None:
    with pytest.raises(SourceError, match=r"nope://x: .*nope"):
        open_root("nope://x")


@pytest.mark.parametrize(
    ("location", "doc", "path"),
    [
        ("s3://b/docs", "a/b.md", "s3://b/docs/a/b.md"),
        ("s3://b/docs/a.md", "a.md", "s3://b/docs/a.md"),
        ("git://repo:main@", "a.md", "git://repo:main@a.md"),
        ("zip://docs::s3://b/x.zip", "a.md", "zip://docs/a.md::s3://b/x.zip"),
    ],
)
def test_the_address_of_a_file(location: str, doc: str, path: str) -> None:
    assert path_of(location, doc) == path

"""What is sent to a server in order to make it do what it is not for, and what it answers."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from ingest.pipeline import ingest
from tests.askmd.serving.guarded import KEY, QUESTION, head, lines, post, serving, settings, talk
from tests.support.app_server import AppServer
from tests.support.chat_server import ChatServer
from tests.support.corpus import FILES
from tests.support.stores import write_files


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("attacked")
    (folder / "secret.md").write_text("# Secret\n\nThe password is swordfish.\n", "utf-8")
    handbook = write_files(folder / "handbook", FILES | {"lost.md": "# Lost\n\nIt was here.\n"})
    with ChatServer() as chat:
        given = settings(folder / "s.db", chat.root_url)
        ingest(given, handbook)
        (handbook / "lost.md").unlink()
        (handbook / "lost.md").symlink_to(folder / "secret.md")
        with AppServer(given, serving()) as server:
            yield server.url


def refused(response: httpx2.Response, status: int, kind: str) -> None:
    """Every refusal has one form, and gives nothing away."""
    assert (response.status_code, response.json()["error"]["kind"]) == (status, kind), response.text
    assert response.json()["error"]["request_id"] == response.headers["X-Request-ID"]
    assert not any(word in response.text for word in ("Traceback", "swordfish", str(Path.cwd()), KEY, "/handbook"))


@pytest.mark.parametrize(
    "doc",
    [
        "../secret.md",
        "..%2fsecret.md",
        "%2e%2e/secret.md",
        "..%252fsecret.md",
        "..%5csecret.md",
        "%2fetc%2fpasswd",
        "/etc/passwd",
        "handbook/../../secret.md",
        "tea.md%00.txt",
        "tea.md/",
        "./tea.md",
        "TEA.md",
        "C:%5cWindows%5cwin.ini",
        "file:%2f%2f%2fetc%2fpasswd",
        "%22%20or%20doc%20!=%20%22",
        "x%22)%20or%20(%22a%22==%22a",
        "%ff%fe",
        "\N{FULLWIDTH FULL STOP}\N{FULLWIDTH FULL STOP}/secret.md",
    ],
)
def test_only_what_was_ingested_can_be_read(url: str, doc: str) -> None:
    raw = talk(url, lines(f"GET /sources/{doc} HTTP/1.1", head(Connection="close")))

    assert raw.split(b" ", 2)[1] in {b"404", b"400"}, raw[:300]
    assert b"swordfish" not in raw
    assert b"root:" not in raw


def test_a_link_that_leads_out_of_the_root_is_not_followed(url: str) -> None:
    refused(httpx2.get(f"{url}/sources/lost.md", headers=head()), 410, "source")


@pytest.mark.parametrize(
    ("lines_asked", "status"),
    [
        ("start_line=0", 422),
        ("start_line=9999", 404),
        ("end_line=-1", 422),
        ("start_line=x", 422),
        ("start_line=5&end_line=2", 404),
    ],
)
def test_lines_that_are_not_there_are_refused(url: str, lines_asked: str, status: int) -> None:
    response = httpx2.get(f"{url}/sources/tea.md?{lines_asked}", headers=head())

    refused(response, status, "source" if status == 404 else "question")


@pytest.mark.parametrize(
    ("headers", "status", "kind"),
    [
        ({"Host": "evil.example"}, 421, "host"),
        ({"Host": "localhost.evil.example"}, 421, "host"),
        ({"Host": "10.0.0.1"}, 421, "host"),
        ({"Host": "localhost:99999"}, 421, "host"),
        ({"Host": "[::1"}, 421, "host"),
        ({"Host": ""}, 421, "host"),
        ({"Host": "evil@localhost.example"}, 421, "host"),
        ({"Host": "evil.example", "X-Forwarded-Host": "localhost"}, 421, "host"),
        ({"Origin": "https://evil.example"}, 403, "origin"),
        ({"Origin": "null"}, 403, "origin"),
        ({"Origin": "http://localhost:1"}, 403, "origin"),
        ({"Origin": "http://127.0.0.1.evil.example"}, 403, "origin"),
        ({"Origin": ""}, 403, "origin"),
        ({"Content-Type": "text/plain"}, 415, "content_type"),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415, "content_type"),
        ({"Content-Type": "multipart/form-data; boundary=x"}, 415, "content_type"),
        ({"Content-Type": "application/jsonp"}, 415, "content_type"),
        ({"Content-Type": ""}, 415, "content_type"),
        ({"Authorization": ""}, 401, "key"),
        ({"Authorization": "Bearer"}, 401, "key"),
        ({"Authorization": "Bearer wrong"}, 401, "key"),
        ({"Authorization": f"Bearer {KEY[:-1]}"}, 401, "key"),
        ({"Authorization": f"Bearer {KEY}x"}, 401, "key"),
        ({"Authorization": f"Basic {KEY}"}, 401, "key"),
        ({"Authorization": "Bearer other-key,"}, 401, "key"),
        ({"Authorization": f"Bearer other-key,{KEY}"}, 401, "key"),
        ({"Authorization": "Bearer OTHER-KEY"}, 401, "key"),
        ({"Authorization": "", "Cookie": f"key={KEY}"}, 401, "key"),
        ({"Authorization": "", "X-API-Key": KEY}, 401, "key"),
    ],
)
def test_a_request_of_somebody_else_is_refused(url: str, headers: dict[str, str], status: int, kind: str) -> None:
    response = httpx2.post(f"{url}/search", content=json.dumps({"question": QUESTION}), headers=head(**headers))

    refused(response, status, kind)


@pytest.mark.parametrize(
    "path", ["/search", "/sources/tea.md", "/readyz", "/metrics", "/openapi.json", "/nowhere", "/docs"]
)
def test_without_a_key_nothing_is_told_not_even_what_there_is(url: str, path: str) -> None:
    refused(httpx2.get(f"{url}{path}"), 401, "key")


def test_the_second_key_is_as_good_as_the_first(url: str) -> None:
    for key in ("other-key", KEY):
        assert httpx2.get(f"{url}/sources/tea.md", headers=head(Authorization=f"Bearer {key}")).status_code == 200


BODIES: list[tuple[bytes, int, str]] = [
    (b"", 422, "question"),
    (b"{", 422, "question"),
    (b"[]", 422, "question"),
    (b"null", 422, "question"),
    (b'{"question": 3}', 422, "question"),
    (b'{"question": null}', 422, "question"),
    (b'{"question": ""}', 422, "question"),
    (b'{"question": "  "}', 422, "question"),
    (b'{"question": "\xff"}', 400, "request"),
    (b"\xef\xbb\xbf{}", 422, "question"),
    (b'{"question": "' + b"a" * 501 + b'"}', 422, "question"),
    (b'{"question": "' + b"a" * 30_000 + b'"}', 413, "too_large"),
    (b'{"question": "tea", "k": 0}', 422, "question"),
    (b'{"question": "tea", "k": 100000}', 422, "question"),
    (b'{"question": "tea", "k": "5; drop"}', 422, "question"),
    (b'{"question": "tea", "k": 1e400}', 422, "question"),
    (b'{"question": "tea", "budget": -1}', 422, "question"),
    (b'{"question": "tea", "milvus_uri": "http://evil.example"}', 422, "question"),
    (b'{"question": "tea", "filter": {"no_such_key": "x"}}', 422, "question"),
    (b'{"question": "tea", "filter": {"path": 3}}', 422, "question"),
    (b'{"question": "tea", "filter": {"path": []}}', 422, "question"),
    (b'{"question": "tea", "filter": "root == 1"}', 422, "question"),
    (b'{"question": "tea", "filter": {"path": "\\ud800"}}', 422, "question"),
    (b"[" * 15_000, 400, "request"),
]


@pytest.mark.parametrize(("body", "status", "kind"), BODIES)
def test_what_is_no_question_is_refused(url: str, body: bytes, status: int, kind: str) -> None:
    refused(httpx2.post(f"{url}/search", content=body, headers=head()), status, kind)


@pytest.mark.parametrize("key", ["root", "path", "heading"])
@pytest.mark.parametrize(
    "value", ['" or "" == "', '") or (1 == 1', "\\", "'; drop", "*\\", '"] or ["', "x\ny", "%' or 'a' like '%"]
)
def test_no_value_of_a_filter_changes_what_is_asked(url: str, key: str, value: str) -> None:
    response = httpx2.post(f"{url}/search", **post({"question": QUESTION, "filter": {key: value}}))

    assert response.status_code == 200, response.text
    assert response.json()["hits"] == []


@pytest.mark.parametrize(
    ("request_line", "headers", "rest", "statuses"),
    [
        (
            "POST /search HTTP/1.1",
            {"Content-Length": "5", "Transfer-Encoding": "chunked"},
            b"0\r\n\r\nGET /metrics HTTP/1.1\r\n\r\n",
            {b"400", b"422"},
        ),
        ("POST /search HTTP/1.1", {"Content-Length": "3, 4"}, b"{}x", {b"400"}),
        ("POST /search HTTP/1.1", {"Content-Length": "-1"}, b"", {b"400"}),
        ("POST /search HTTP/1.1", {"Content-Length": "99999999999"}, b"", {b"413"}),
        ("POST /search HTTP/1.1", {"Transfer-Encoding": "chunked"}, b"zz\r\n", {b"400", b"408"}),
        ("POST /search HTTP/1.1", {"Transfer-Encoding": "xchunked"}, b"", {b"400", b"501", b"422"}),
        ("GET /search HTTP/9.9", {}, b"", {b"400", b"405", b"505"}),
        ("GET http://evil.example/metrics HTTP/1.1", {}, b"", {b"404", b"400", b"421", b"200"}),
        ("TRACE / HTTP/1.1", {}, b"", {b"405", b"404"}),
        ("CONNECT evil.example:443 HTTP/1.1", {}, b"", {b"404", b"405", b"400"}),
        ("GET /sources/tea.md\r\nX: y HTTP/1.1", {}, b"", {b"400"}),
    ],
)
def test_heads_that_say_two_things_are_not_taken_for_two_requests(
    url: str, request_line: str, headers: dict[str, str], rest: bytes, statuses: set[bytes]
) -> None:
    raw = talk(url, lines(request_line, head(Connection="close", **headers), rest))

    assert raw.split(b" ", 2)[1] in statuses, raw[:400]
    assert raw.count(b"HTTP/1.1 ") == 1
    assert b"askmd_requests" not in raw


def test_a_body_without_end_is_not_read_to_the_end(url: str) -> None:
    start = lines("POST /search HTTP/1.1", head(Transfer_Encoding="chunked"))
    part = b"1000\r\n" + b"a" * 0x1000 + b"\r\n"

    assert b" 413 " in talk(url, start, *[part] * 6)[:20]


def test_a_body_that_does_not_come_is_not_waited_for(url: str) -> None:
    start = lines("POST /search HTTP/1.1", head(Content_Length="100"), b'{"que')

    assert b" 408 " in talk(url, start)[:20]

"""The check of links that lead out of the book, against a server on this machine that behaves as servers do."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from .test_vendored import ROOT, tool

links = tool("links")


class Server(ThreadingHTTPServer):
    """Counts what it is asked for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: Counter[tuple[str, str]] = Counter()
        self.base = f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def answer(self) -> None:
        self.server.asked[self.command, self.path] += 1
        times = self.server.asked[self.command, self.path]
        status, headers = {
            "/good": (200, {}),
            "/gone": (404, {}),
            "/no-head": (405 if self.command == "HEAD" else 200, {}),
            "/head-lies": (404 if self.command == "HEAD" else 200, {}),
            "/busy-once": (503 if times == 1 else 200, {"Retry-After": "7"}),
            "/always-busy": (429, {"Retry-After": "1000"}),
            "/moved": (301, {"Location": "/good"}),
            "/elsewhere-today": (302, {"Location": "/good"}),
            "/moved-to-nowhere": (301, {"Location": "/gone"}),
            "/forbidden": (403, {}),
        }.get(self.path.partition("?")[0], (404, {}))
        if self.path == "/silent":
            self.close_connection = True
            return
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET = answer

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def waited() -> list[float]:
    return []


def site(folder: Path, *addresses: str) -> Path:
    anchors = "".join(f'<a href="{address}">x</a>' for address in addresses)
    (folder / "theory").mkdir()
    (folder / "index.html").write_text(f'<a href="theory/a.html">in</a><a href="mailto:a@b.example">m</a>{anchors}')
    (folder / "theory" / "a.html").write_text(f"{anchors}<p>https://only.words.example/</p>")
    return folder


@pytest.mark.parametrize(
    ("path", "problem", "moved"),
    [
        ("/good", "", ""),
        ("/good?a=b%20c&d=é", "", ""),
        ("/no-head", "", ""),
        ("/head-lies", "", ""),
        ("/busy-once", "", ""),
        ("/moved", "", "/good"),
        ("/elsewhere-today", "", ""),
        ("/gone", "status 404", ""),
        ("/forbidden", "status 403", ""),
        ("/moved-to-nowhere", "status 404", ""),
        ("/always-busy", "status 429, 3 times", ""),
        ("/silent", "Remote end closed connection without response, 3 times", ""),
    ],
)
def test_what_comes_of_asking(server: Server, waited: list[float], path: str, problem: str, moved: str):
    answer = links.ask(server.base + path, waited.append)
    assert (answer.problem, answer.moved) == (problem, moved and server.base + moved)


def test_a_busy_server_is_given_the_time_it_asks_for_within_reason(server: Server, waited: list[float]):
    links.ask(f"{server.base}/busy-once", waited.append)
    links.ask(f"{server.base}/always-busy", waited.append)
    assert waited == [7.0, links.LONGEST, links.LONGEST]


def test_a_good_address_is_asked_for_once_by_head_alone(server: Server, waited: list[float]):
    links.ask(f"{server.base}/good", waited.append)
    assert server.asked == {("HEAD", "/good"): 1}
    assert waited == []


def test_nobody_there_is_a_broken_link(waited: list[float]):
    assert "refused" in links.ask("http://127.0.0.1:9/", waited.append).problem
    assert waited == [links.WAIT, 2 * links.WAIT]


def test_one_host_is_asked_one_thing_at_a_time(server: Server, waited: list[float]):
    answers = links.check([f"{server.base}/good", f"{server.base}/moved"], waited.append)
    assert len(answers) == 2
    assert waited == [links.PAUSE]


def test_links_are_found_where_they_stand(tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text(
        "[a](https://a.example/x_(y)), <https://b.example/>. **https://c.example/**\n\n"
        "```bash\ncurl https://code.example/\n```\n\n`https://code-too.example`\n[d]: https://d.example/#part\n"
    )
    found = links.collect(site(tmp_path, "https://e.example/p?q=1&amp;r=2#s", "//f.example/"), [page])
    places = ["index.html", "theory/a.html"]
    assert found == {
        "https://a.example/x_(y)": [page.as_posix()],
        "https://b.example/": [page.as_posix()],
        "https://c.example/": [page.as_posix()],
        "https://code-too.example": [page.as_posix()],
        "https://d.example/": [page.as_posix()],
        "https://e.example/p?q=1&r=2": places,
        "https://f.example/": places,
    }


def test_the_report_names_broken_links_with_their_pages(
    tmp_path: Path, server: Server, waited: list[float], capsys: pytest.CaptureFixture[str]
):
    allowed = tmp_path / "allowed.toml"
    allowed.write_text("[[allowed]]\npattern = 'http://127[^ ]*/spared.*'\nreason = 'because'\n")
    folder = site(tmp_path, *(f"{server.base}/{name}" for name in ("good", "gone", "moved", "spared/x")))
    assert links.main([str(folder), "--allowed", str(allowed)], waited.append) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"broken: {server.base}/gone: status 404 (on index.html, theory/a.html)",
        f"moved for good: {server.base}/moved is now {server.base}/good (on index.html, theory/a.html)",
        "4 links: 2 lead somewhere, 1 broken, 1 not asked",
    ]
    assert not [path for _, path in server.asked if "spared" in path]


def test_a_site_of_good_links_passes_and_a_list_asks_nobody(
    tmp_path: Path, server: Server, waited: list[float], capsys: pytest.CaptureFixture[str]
):
    allowed = tmp_path / "allowed.toml"
    allowed.write_text("")
    folder = site(tmp_path, f"{server.base}/good")
    assert links.main([str(folder), "--allowed", str(allowed), "--list"]) == 0
    assert capsys.readouterr().out == f"{server.base}/good  (index.html, theory/a.html)\n"
    assert not server.asked
    assert links.main([str(folder), "--allowed", str(allowed)], waited.append) == 0
    assert capsys.readouterr().out == "1 links: 1 lead somewhere, 0 broken, 0 not asked\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[allowed]]\npattern = 'a'\n", "expected a pattern and a reason"),
        ("[[allowed]]\npattern = 'a'\nreason = ' '\n", "expected a pattern and a reason"),
        ("[[allowed]]\npattern = '('\nreason = 'b'\n", "'(' is no pattern"),
    ],
)
def test_a_bad_list_is_refused(tmp_path: Path, text: str, message: str, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "allowed.toml").write_text(text)
    assert links.main([str(site(tmp_path)), "--allowed", str(tmp_path / "allowed.toml")]) == 2
    assert message in capsys.readouterr().err


def test_no_book_is_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert links.main([str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"links: {tmp_path}: no index.html there; name the folder of a built book\n"


def test_our_own_list_is_sound():
    patterns = list(links.allowances(ROOT / "tools" / "links.toml"))
    for address in (
        "https://colab.research.google.com/github/owner/name/blob/notebooks/theory/loss.ipynb",
        "https://mybinder.org/v2/gh/owner/name/main?urlpath=lab",
        "https://github.com/owner/name/issues/new?title=a",
    ):
        assert [pattern for pattern in patterns if pattern.fullmatch(address)], address
    assert not [pattern for pattern in patterns if pattern.fullmatch("https://github.com/owner/name")]

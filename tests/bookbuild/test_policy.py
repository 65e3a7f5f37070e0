"""What the policy of a page says, and which pages can have none. Browsers obey it: tests/browser/test_policy.py."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from beyond_scaling.bookbuild.finish import policy
from beyond_scaling.bookbuild.finish.site import Site

from ..conftest import ROOT

SCRIPT = 'document.title = "a < b && c";\n'
DATA = '{"words": "\\u003c/script>"}'
PAGE = f"""<!DOCTYPE html>
<html>
  <head>
    <meta charset="utf-8" />
    <script src="_static/page.js"></script>
    <script>{SCRIPT}</script>
    <script type="application/json">{DATA}</script>
  </head>
  <body><p style="color:red">Words &amp; more.</p><a href="https://elsewhere.example/">away</a></body>
</html>
"""


def directives(html: str) -> dict[str, list[str]]:
    meta = BeautifulSoup(html, "html.parser").select_one("meta[http-equiv]")
    parts = (part.split() for part in meta["content"].split(";"))
    return {name: values for name, *values in parts}


def test_a_page_allows_its_own_files_and_its_own_scripts_only():
    found = directives(policy.guarded(PAGE))
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    assert found["default-src"] == ["'self'"]
    assert found["script-src"] == ["'self'", f"'sha256-{digest}'"]
    nothing = {name for name, values in found.items() if values == ["'none'"]}
    assert nothing == {"base-uri", "frame-src", "manifest-src", "media-src", "object-src", "worker-src"}
    allowed = {value for values in found.values() for value in values}
    assert not [value for value in allowed if re.search(r"unsafe-eval|http|\*|//", value)]
    assert [name for name, values in found.items() if "'unsafe-inline'" in values] == ["style-src"]


def test_the_policy_comes_before_anything_that_loads_and_the_rest_stays_as_it_was():
    html = policy.guarded(PAGE)
    head = BeautifulSoup(html, "html.parser").head.find_all(True)
    assert [node.name for node in head[:3]] == ["meta", "meta", "meta"]
    assert head[0]["charset"] == "utf-8"
    assert html.encode().index(b"charset") < 1024
    assert head[2].attrs == {"name": "referrer", "content": "no-referrer"}
    without = re.sub(r"\n    <meta (?:http-equiv|name=\"referrer\")[^>]*>", "", html)
    assert without == PAGE


def test_a_script_that_stands_twice_is_allowed_once_and_data_needs_no_leave():
    twice = PAGE.replace("</head>", f"<script>{SCRIPT}</script></head>")
    assert policy.guarded(twice).count("sha256-") == 1
    assert policy.read(PAGE).scripts == [SCRIPT]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("<p ", "<button onclick='print()'></button><p ", r"line 10: <button onclick=\.\.\.>: an event handler"),
        ("<p ", "<img src=x ONERROR=alert(1)><p ", "<img onerror"),
        ("https://elsewhere.example/", " JavaScript:alert(1)", "a program in an address"),
        ("<p ", "<iframe src='a.html'></iframe><p ", "a <iframe>"),
        ("<p ", "<base href='https://elsewhere.example/'><p ", "a <base>"),
        ("_static/page.js", "//elsewhere.example/a.js", "from elsewhere"),
        ("<script src", "<link rel='stylesheet' href='https://elsewhere.example/a.css'><script src", "from elsewhere"),
        ("<script src", "<meta http-equiv='content-security-policy' content=''><script src", "a policy already"),
        ("<head>", "<body>", "no <head>"),
    ],
)
def test_what_no_policy_should_allow_is_refused(old: str, new: str, message: str):
    with pytest.raises(ValueError, match=message):
        policy.guarded(PAGE.replace(old, new, 1))


def test_a_canonical_address_is_no_load():
    link = '<link rel="canonical" href="https://here.example/a.html" />'
    assert link in policy.guarded(PAGE.replace("<script", f"{link}<script", 1))


def test_a_bad_page_is_named_and_nothing_is_written(tmp_path: Path):
    (tmp_path / "index.html").write_text(PAGE)
    (tmp_path / "bad.html").write_text(PAGE.replace("<p ", "<p onclick='x()' "))
    with pytest.raises(ValueError, match=r"bad\.html: line 10: <p onclick"):
        policy.run(Site(tmp_path))
    assert (tmp_path / "index.html").read_text() == PAGE
    (tmp_path / "bad.html").unlink()
    assert policy.run(Site(tmp_path)) == "pages that load from nowhere else: 1"
    assert "Content-Security-Policy" in (tmp_path / "index.html").read_text()


def test_no_script_of_ours_turns_text_into_a_program():
    ours = [*ROOT.glob("src/**/*.js"), *ROOT.glob("book/_templates/**/*"), *ROOT.glob("book/_assets/*")]
    assert len([path for path in ours if path.suffix == ".js"]) > 30
    forbidden = re.compile(
        r"\beval\s*\(|\bnew\s+Function\b|\bdocument\.write\b|\bset(?:Timeout|Interval)\(\s*[\"'`]|\bimportScripts\b"
        r"|\bon[a-z]+\s*=\s*[\"']|javascript:"
    )
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in ours
        if path.suffix in {".js", ".html", ".svg"}
        for match in forbidden.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []

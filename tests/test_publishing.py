"""The tools of the publishing workflows, on this machine: advisories, issues, the notebooks' branch, releases."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
import yaml

from beyond_scaling.bookbuild.publication import NOTEBOOKS

from .test_vendored import ROOT, tool

audit, notebooks_branch, release, tell = (tool(name) for name in ("audit", "notebooks_branch", "release", "tell"))


# --- advisories ---

SOUND = {"name": "numpy", "version": "2.4.6", "vulns": []}
BAD = {
    "name": "old",
    "version": "1.0",
    "vulns": [{"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["1.1", "2.0"]}],
}
SKIPPED = {"name": "lost", "skip_reason": "not found"}
EXPLAINED = '[[exception]]\nid = "CVE-1"\npackage = "old"\nreason = "never called"\nuntil = 2026-12-31\n'


def audited(
    monkeypatch: pytest.MonkeyPatch, folder: Path, stdout: str, exceptions: str = "", day: str = "2026-06-01"
) -> int:
    """The status of an audit in which pip-audit prints ``stdout``."""
    calls = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        calls.append(command)
        return subprocess.CompletedProcess(command, 1, stdout, "a warning\nno route to host\n")

    monkeypatch.setattr(audit.subprocess, "run", run)
    (folder / "requirements.txt").write_text("numpy==2.4.6\n")
    (folder / "audit.toml").write_text(exceptions)
    arguments = [str(folder / "requirements.txt"), "--exceptions", str(folder / "audit.toml")]
    status = audit.main(arguments, date.fromisoformat(day))
    assert calls[0][:5] == [sys.executable, "-m", "uv", "tool", "run"]
    return status


@pytest.mark.parametrize(
    ("packages", "exceptions", "day", "status", "said"),
    [
        ([SOUND], "", "2026-06-01", 0, "1 packages: nothing is open, 0 explained"),
        ([SOUND, BAD], "", "2026-06-01", 1, "old 1.0: PYSEC-1; mended in 1.1, 2.0"),
        ([SOUND, BAD], EXPLAINED, "2026-06-01", 0, "2 packages: nothing is open, 1 explained"),
        ([SOUND, BAD], EXPLAINED, "2027-01-01", 1, "look again, the exception ran until 2026-12-31"),
        ([SOUND], EXPLAINED, "2026-06-01", 1, "CVE-1 (old): no pinned package has it; take the exception out"),
        ([SOUND, SKIPPED], "", "2026-06-01", 2, "no answer about 1 of 2 packages (lost...)"),
        ([], "", "2026-06-01", 2, "no answer about 0 of 0 packages"),
    ],
)
def test_advisories_are_open_explained_or_out_of_reach(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    packages: list[dict], exceptions: str, day: str, status: int, said: str,
):  # fmt: skip
    assert audited(monkeypatch, tmp_path, json.dumps({"dependencies": packages}), exceptions, day) == status
    shown = capsys.readouterr()
    assert said in (shown.err if status == 2 else shown.out)


def test_an_auditor_that_cannot_run_is_no_success(monkeypatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert audited(monkeypatch, tmp_path, "") == 2
    assert capsys.readouterr().err == f"audit: {audit.AUDITOR} ended with status 1: no route to host\n"


def test_an_exception_needs_a_reason_and_a_day(monkeypatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "audit.toml").write_text(EXPLAINED.replace("until = 2026-12-31", 'until = "later"'))
    with pytest.raises(ValueError, match="expected id, package, reason and until = YYYY-MM-DD"):
        audit.exceptions(tmp_path / "audit.toml")
    assert audit.exceptions(ROOT / "tools" / "audit.toml") == {}


# --- issues ---


@pytest.fixture
def gh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A gh that knows one open issue and writes down what it is asked."""
    log = tmp_path / "asked"
    (tmp_path / "gh").write_text(
        f"#!{sys.executable}\nimport json, sys\n"
        f"open({str(log)!r}, 'a').write(json.dumps(sys.argv[1:]) + '\\n')\n"
        "if sys.argv[2] == 'list': print(json.dumps([{'number': 7, 'title': 'known'}]))\n"
        "if sys.argv[2] == 'create':\n"
        "    if 'forbidden' in sys.argv: print('HTTP 403', file=sys.stderr); raise SystemExit(1)\n"
        "    print('https://here.example/issues/8')\n"
    )
    (tmp_path / "gh").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    for name, value in (
        ("GITHUB_SERVER_URL", "https://here.example"), ("GITHUB_REPOSITORY", "owner/name"), ("GITHUB_RUN_ID", "12"),
    ):  # fmt: skip
        monkeypatch.setenv(name, value)
    return log


def test_a_failure_opens_an_issue_once(gh: Path, capsys: pytest.CaptureFixture[str]):
    assert tell.main(["new"]) == 0
    assert tell.main(["known"]) == 0
    assert capsys.readouterr().out == "https://here.example/issues/8\nissue 7 is told\n"
    asked = [json.loads(line) for line in gh.read_text().splitlines()]
    body = "It failed: https://here.example/owner/name/actions/runs/12"
    assert asked[1] == ["issue", "create", "--title", "new", "--body", body]
    assert asked[3] == ["issue", "comment", "7", "--body", body]
    assert [call[1] for call in asked] == ["list", "create", "list", "comment"]


def test_what_keeps_an_issue_from_being_opened_is_said(gh: Path, monkeypatch, capsys: pytest.CaptureFixture[str]):
    assert tell.main(["forbidden"]) == 2
    assert capsys.readouterr().err == "tell: gh issue create: HTTP 403\n"
    monkeypatch.delenv("GITHUB_RUN_ID")
    assert tell.main(["new"]) == 2
    assert capsys.readouterr().err == "tell: GITHUB_RUN_ID not set; expected to run in a workflow\n"


# --- the notebooks' branch ---


def git(*arguments: str, cwd: Path) -> str:
    return subprocess.run(["git", *arguments], cwd=cwd, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    git("init", "--quiet", "--bare", str(tmp_path / "remote.git"), cwd=tmp_path)
    return tmp_path / "remote.git"


@pytest.fixture
def notebooks(tmp_path: Path) -> Path:
    folder = tmp_path / "notebooks"
    (folder / "theory").mkdir(parents=True)
    (folder / "index.ipynb").write_text("{}")
    (folder / "theory" / "loss.ipynb").write_text("{}")
    (folder / "notes.txt").write_text("not a notebook")
    return folder


def test_the_branch_has_the_notebooks_and_no_history(remote: Path, notebooks: Path, capsys: pytest.CaptureFixture[str]):
    arguments = [str(notebooks), "--remote", str(remote)]
    assert notebooks_branch.main(arguments) == 0
    assert git("ls-tree", "-r", "--name-only", NOTEBOOKS, cwd=remote).split() == ["index.ipynb", "theory/loss.ipynb"]
    first = git("rev-parse", NOTEBOOKS, cwd=remote)
    assert notebooks_branch.main(arguments) == 0
    assert git("rev-parse", NOTEBOOKS, cwd=remote) == first
    (notebooks / "theory" / "loss.ipynb").write_text('{"cells": []}')
    assert notebooks_branch.main(arguments) == 0
    assert git("show", f"{NOTEBOOKS}:theory/loss.ipynb", cwd=remote) == '{"cells": []}'
    assert git("rev-list", "--count", NOTEBOOKS, cwd=remote) == "1"
    pushed = f"2 notebooks pushed to branch {NOTEBOOKS}"
    assert capsys.readouterr().out.splitlines() == [pushed, f"2 notebooks are on branch {NOTEBOOKS} already", pushed]
    assert not (notebooks / ".git").exists()


def test_a_push_that_cannot_be_is_said_in_a_line(tmp_path: Path, notebooks: Path, capsys: pytest.CaptureFixture[str]):
    assert notebooks_branch.main([str(notebooks), "--remote", str(tmp_path / "nowhere")]) == 2
    assert re.fullmatch(r"notebooks_branch: git ls-remote: .*\n", capsys.readouterr().err)
    (tmp_path / "empty").mkdir()
    assert notebooks_branch.main([str(tmp_path / "empty"), "--remote", "x"]) == 2
    assert "no notebook there; run `make book` first" in capsys.readouterr().err


def test_the_token_goes_to_its_server_only_and_through_the_environment():
    settings = notebooks_branch.credentials("https://here.example", "s3cret")
    assert settings["GIT_CONFIG_KEY_0"] == "http.https://here.example/.extraheader"
    encoded = settings["GIT_CONFIG_VALUE_0"].removeprefix("Authorization: basic ")
    assert base64.b64decode(encoded) == b"x-access-token:s3cret"
    assert notebooks_branch.credentials("https://here.example", "") == {}


# --- releases ---


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """What a release is checked by, as it should be for version 0.2.0."""
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "0.2.0"\n')
    (tmp_path / "CITATION.cff").write_text('title: "T"\nversion: 0.2.0\ndate-released: "2026-12-01"\n')
    (tmp_path / "CHANGELOG.md").write_text(
        "# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - 2026-12-01\n\n### Added\n- This.\n\n"
        "## [0.1.0] - 2026-11-21\n\n- That.\n"
    )
    (tmp_path / ".zenodo.json").write_text('{"title": "T"}')
    return tmp_path


def test_a_tree_that_agrees_with_itself_is_a_release(tree: Path, capsys: pytest.CaptureFixture[str]):
    assert release.main(["check", "v0.2.0"], tree) == 0
    assert release.main(["notes"], tree) == 0
    assert capsys.readouterr().out.splitlines()[1:] == ["### Added", "- This."]


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("pyproject.toml", "0.2.0", "0.3.0", "the tag is 'v0.2.0', but pyproject.toml says version 0.3.0"),
        ("pyproject.toml", "0.2.0", "0.3.0", "CHANGELOG.md has no section [0.3.0]"),
        ("CITATION.cff", "0.2.0", "0.1.0", "CITATION.cff says version 0.1.0, pyproject.toml 0.2.0"),
        ("CITATION.cff", "2026-12-01", "2026-12-02", "CHANGELOG.md dates 0.2.0 2026-12-01, CITATION.cff 2026-12-02"),
        ("CITATION.cff", "2026-12-01", "December", "date-released is 'December'; expected YYYY-MM-DD"),
        ("CHANGELOG.md", "### Added\n- This.\n", "", "CHANGELOG.md says nothing of 0.2.0"),
        ("CHANGELOG.md", "[Unreleased]\n", "[Unreleased]\n- More.\n", "CHANGELOG.md has changes under [Unreleased]"),
        (".zenodo.json", "{", '{"version": "0.2.0", ', "Zenodo takes version and date from the release"),
        (".zenodo.json", "T", "U", ".zenodo.json is titled 'U', CITATION.cff 'T'"),
    ],
)
def test_a_tree_that_contradicts_itself_is_none(
    tree: Path, file: str, old: str, new: str, message: str, capsys: pytest.CaptureFixture[str]
):
    path = tree / file
    path.write_text(path.read_text().replace(old, new))
    assert release.main(["check", "v0.2.0"], tree) == 1
    assert message in capsys.readouterr().out


def test_this_tree_agrees_with_itself(capsys: pytest.CaptureFixture[str]):
    assert release.main(["check"]) == 0, capsys.readouterr().out
    assert release.main(["notes"]) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith("### ")


def test_citation_and_zenodo_name_the_same_work():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    zenodo = json.loads((ROOT / ".zenodo.json").read_text())
    assert [creator["name"] for creator in zenodo["creators"]] == [author["name"] for author in citation["authors"]]
    assert zenodo["license"] == citation["license"]


# --- secrets ---

# As they are written by those who issue them.
TOKENS = {
    "GitHub": r"\bgh[pousr]_[A-Za-z0-9]{36}\b|\bgithub_pat_[A-Za-z0-9_]{60,}\b",
    "Hugging Face": r"\bhf_[A-Za-z0-9]{30,}\b",
    "AWS": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "Google": r"\bAIza[0-9A-Za-z_-]{35}\b",
    "OpenAI and Anthropic": r"\bsk-(?:proj-|ant-)?[A-Za-z0-9_-]{32,}\b",
    "Slack": r"\bxox[abprs]-[A-Za-z0-9-]{10,}\b",
    "PyPI": r"\bpypi-AgE[A-Za-z0-9_-]{50,}\b",
    "npm": r"\bnpm_[A-Za-z0-9]{36}\b",
    "a private key": r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----",
    "a password in an address": r"\bhttps?://[^\s/:@\"'<>{}$]+:[^\s/:@\"'<>{}$]+@",
    "a signed token": r"\beyJ[A-Za-z0-9_-]{20,}\.eyJ[A-Za-z0-9_-]{20,}\.",
}


def secrets(text: str) -> list[str]:
    return [kind for kind, pattern in TOKENS.items() if re.search(pattern, text)]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("GitHub", "gh" + "p_" + "a1B2" * 9),
        ("Hugging Face", "hf" + "_" + "aB3" * 11),
        ("AWS", "AK" + "IA" + "ABCD1234" * 2),
        ("a private key", "-----BEGIN " + "RSA PRIVATE KEY-----"),
        ("a password in an address", "https://user" + ":word" + "@here.example/"),
    ],
)
def test_the_search_for_secrets_finds_one(kind: str, text: str):
    assert secrets(f"x = '{text}'") == [kind]


def test_no_file_of_the_repository_has_a_secret():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:  # an unpacked archive is no repository
        names = [p.relative_to(ROOT).as_posix() for p in ROOT.glob("[!._]*/**/*") if p.is_file()]
    else:
        names = [name for name in listed.stdout.split("\0") if name]
    assert len(names) > 300
    text_files = [ROOT / name for name in names if not name.endswith((".parquet", ".safetensors", ".png"))]
    found = {
        path.relative_to(ROOT).as_posix(): kinds
        for path in text_files
        if path.is_file() and (kinds := secrets(path.read_text(encoding="utf-8", errors="replace")))
    }
    assert found == {}


def test_workflows_ask_for_no_secret():
    paths = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
    assert len(paths) >= 6
    for path in paths:
        assert not re.findall(r"\bsecrets\.(?!GITHUB_TOKEN\b)\w+", path.read_text()), path.name

"""The ledger of claims: the file, that nothing of the paper is left out, that every claim has a test that passes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from beyond_scaling.ledger import VERDICTS, Claim, LedgerError, findings, load

from .conftest import ROOT
from .ledger_checks import absent, functions, run_apart, unproven

BOOK = ROOT / "book"
FILE = BOOK / "ledger.yml"

NUMBERED = (
    [f"eq-{k}" for k in range(1, 16)]
    + [f"asm-{k}" for k in range(1, 4)]
    + [f"lemma-{k}" for k in range(1, 6)]
    + [f"prop-{k}" for k in range(1, 6)]
    + [f"table-{k}" for k in range(1, 4)]
    + ["def-1", "rem-1", "rem-2", "thm-d1", "app-e"]
    + ["fig-1", "fig-2-top", "fig-2-left", "fig-2-right", "fig-3", "fig-4"]
)
SAID = ["intercept-corroborates", "wlog-centres", "attention-rule", "mchn-definition", "lse-not-convex", "mchn-convex"]
SAID += ["lse-gradient", "update-rule", "g-for-e", "layer-energy", "mm", "radius-volume", "pattern-law", "dedup"]


@pytest.fixture(scope="module")
def claims() -> dict[str, Claim]:
    return load(FILE)


# --- the file -----------------------------------------------------------------------------------------------


def test_nothing_that_the_paper_numbers_is_left_out(claims):
    assert [claim for claim in NUMBERED + SAID if claim not in claims] == []


def test_equations_stand_under_their_numbers(claims):
    """v0 has one numbered equation less: the 12th of v1 stands in its Appendix D.2, unnumbered."""
    for k in range(1, 16):
        claim = claims[f"eq-{k}"]
        assert claim.v1.text.endswith(f"({k})")
        before = k if k < 12 else k - 1
        assert claim.v0.text.endswith("unnumbered" if k == 12 else f"({before})")


def test_ten_findings(claims):
    assert [finding.number for finding in findings(claims)] == list(range(1, 11))
    assert {c.verdict for c in claims.values() if c.finding} <= {"fails", "corrected", "unsettled"}
    last = next(claim for claim in claims.values() if claim.finding and claim.finding.number == 10)
    assert last.id == "fig-2-left"


def test_every_verdict_of_the_chapters_names_a_claim(claims):
    """The five words by themselves are for the legend of the front page alone."""
    used = {
        path.relative_to(BOOK).as_posix(): re.findall(r"\{verdict\}`(?:[^`<]*<)?([^`>]+)>?`", path.read_text("utf-8"))
        for path in BOOK.rglob("*.md")
    }
    assert sum(len(targets) for targets in used.values()) > 40
    for page, targets in used.items():
        raw = [target for target in targets if target in VERDICTS]
        assert raw == (list(VERDICTS) if page == "index.md" else []), page
        assert [target for target in targets if target not in claims and target not in VERDICTS] == [], page


# --- what is no ledger --------------------------------------------------------------------------------------

ENTRY = {
    "id": "prop-1",
    "name": "Proposition 1",
    "v0": "Section 4",
    "v1": {"absent": "dropped"},
    "statement": "One.",
    "verdict": "fails",
    "corrected": "Two.",
    "tests": ["tests/test_one.py::test_one"],
    "finding": {"number": 1, "text": "So."},
}


def write(folder: Path, *entries: dict) -> Path:
    path = folder / "ledger.yml"
    path.write_text(yaml.safe_dump([{"section": "Section 4", "claims": list(entries)}]), encoding="utf-8")
    return path


def test_an_entry_is_read_whole(tmp_path):
    claim = load(write(tmp_path, ENTRY))["prop-1"]
    assert (claim.section, claim.name, claim.badge) == ("Section 4", "Proposition 1", "Fails")
    assert claim.anchor == "claim-prop-1"
    assert claim.v0.present
    assert (claim.v1.present, claim.v1.text) == (False, "dropped")
    assert claim.tests == ("tests/test_one.py::test_one",)
    assert claim.finding.number == 1


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"verdict": "false"}, "claim 'prop-1': verdict is 'false', expected one of holds, corrected, fails"),
        ({"colour": "red"}, "claim 'prop-1': unknown colour; there are id, name"),
        ({"statement": None}, "claim 'prop-1': statement is None, expected text"),
        ({"statement": "  "}, "claim 'prop-1': statement is '  ', expected text"),
        ({"id": "Prop 1"}, "id is 'Prop 1', expected lower-case words"),
        ({"id": "fails"}, "id is 'fails', expected lower-case words"),
        ({"tests": []}, "claim 'prop-1': tests is [], expected a list with at least one entry"),
        ({"tests": "tests/test_one.py::test_one"}, "expected a list"),
        ({"tests": ["test_one"]}, "claim 'prop-1': test 'test_one', expected the form tests/file.py::test_name"),
        ({"v0": {"missing": "so"}}, "claim 'prop-1', v0: missing absent"),
        ({"v1": 4}, "claim 'prop-1': v1 is 4, expected text"),
        ({"finding": {"number": "1", "text": "So."}}, "number is '1', expected an integer"),
        ({"finding": {"number": 2, "text": "So."}}, "findings are numbered [2], expected 1, 2, 3"),
        ({"finding": {"number": 1}}, "claim 'prop-1', finding: missing text"),
    ],
)
def test_a_wrong_entry_is_refused_and_named(tmp_path, changed, message):
    with pytest.raises(LedgerError, match=re.escape(message)):
        load(write(tmp_path, ENTRY | changed))


@pytest.mark.parametrize("field", ["id", "name", "v0", "v1", "statement", "verdict", "tests"])
def test_a_missing_field_is_named(tmp_path, field):
    with pytest.raises(LedgerError, match=f"missing {field}"):
        load(write(tmp_path, {key: value for key, value in ENTRY.items() if key != field}))


@pytest.mark.parametrize("verdict", ["corrected", "fails"])
def test_what_is_true_instead_has_to_be_said(tmp_path, verdict):
    bare = {key: value for key, value in ENTRY.items() if key != "corrected"} | {"verdict": verdict}
    with pytest.raises(LedgerError, match="say what is true instead"):
        load(write(tmp_path, bare))
    assert load(write(tmp_path, bare | {"verdict": "holds"}))["prop-1"].corrected == ""


def test_an_id_used_twice_is_refused(tmp_path):
    with pytest.raises(LedgerError, match="claim 'prop-1' stands there twice"):
        load(write(tmp_path, ENTRY, ENTRY))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- section: A\n  section: B\n  claims: []\n", "key 'section' twice"),
        ("- section: [A\n", "not YAML"),
        ("", "sections is None, expected a list"),
        ("- claims: []\n", "missing section"),
        ("- section: A\n  claims: [5]\n", "found 5, expected fields id"),
    ],
)
def test_a_file_that_is_no_ledger_is_refused(tmp_path, text, message):
    path = tmp_path / "ledger.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(LedgerError, match=re.escape(message)):
        load(path)


def test_a_file_of_bytes_is_refused(tmp_path) -> None:
    (tmp_path / "ledger.yml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(LedgerError, match=r"ledger\.yml: not YAML: 'utf-8' codec"):
        load(tmp_path / "ledger.yml")


# --- the tests of the claims --------------------------------------------------------------------------------


def test_every_claim_names_tests_that_exist(claims):
    assert absent(claims.values(), ROOT) == []


def test_every_test_of_a_claim_is_named_by_one(claims):
    named = {test for claim in claims.values() for test in claim.tests}
    files = sorted((ROOT / "tests" / "claims").glob("test_*.py"))
    found = [f"tests/claims/{path.name}::{name}" for path in files for name in functions(path)]
    assert [test for test in found if test not in named] == []


@pytest.mark.after_all
def test_every_claims_test_ran_and_passed(claims, outcomes, tmp_path):
    assert unproven(claims.values(), outcomes.of, run_apart(ROOT, tmp_path)) == []


SAMPLE = """
import pytest

def test_passes(): pass

@pytest.mark.parametrize("k", [1, 2])
def test_passes_twice(k): assert k

@pytest.mark.parametrize("k", [1, 2])
def test_fails_once(k): assert k == 1

@pytest.mark.skip
def test_is_skipped(): pass

@pytest.mark.xfail
def test_is_let_off(): assert False

@pytest.mark.browser
def test_in_a_browser(): pass

@pytest.fixture
def broken(): raise RuntimeError

def test_with_a_broken_fixture(broken): pass
"""
SAMPLE_TESTS = re.findall(r"def (test_\w+)", SAMPLE)


@pytest.fixture
def sample(tmp_path):
    """A project of its own with one claim per sample test, and one whose test does not exist."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_sample.py").write_text(SAMPLE, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = browser\n", encoding="utf-8")
    bare = {key: value for key, value in ENTRY.items() if key != "finding"}
    names = [*SAMPLE_TESTS, "test_of_nothing"]
    entries = [bare | {"id": name.replace("_", "-"), "tests": [f"tests/test_sample.py::{name}"]} for name in names]
    return tmp_path, load(write(tmp_path, *entries))


def test_a_test_that_does_not_exist_is_found_out(sample):
    root, claims = sample
    assert absent(claims.values(), root) == ["test-of-nothing: there is no tests/test_sample.py::test_of_nothing"]
    (root / "tests" / "test_sample.py").unlink()
    assert len(absent(claims.values(), root)) == len(claims)


def test_a_test_that_does_not_pass_is_found_out(sample, tmp_path):
    root, claims = sample
    real = [claims[name.replace("_", "-")] for name in SAMPLE_TESTS]
    found = unproven(real, lambda test: None, run_apart(root, tmp_path))
    assert [line.split(": ", 1)[0] + line.rsplit(":", 1)[1] for line in found] == [
        "test-fails-once failure",
        "test-is-skipped skipped",
        "test-is-let-off skipped",
        "test-in-a-browser not run",
        "test-with-a-broken-fixture error",
    ]


def test_what_this_session_has_seen_is_not_run_again(sample):
    _, claims = sample
    went = {test: "passed" for claim in claims.values() for test in claim.tests}
    assert unproven(claims.values(), went.get, lambda tests: pytest.fail(f"ran {tests}")) == []
    assert unproven(claims.values(), (went | {"tests/test_sample.py::test_passes": "skipped"}).get, dict) == [
        "test-passes: tests/test_sample.py::test_passes: skipped"
    ]


def test_a_session_keeps_the_outcome_of_every_case(pytestconfig, outcomes):
    def report(function: str, phase: str, outcome: str) -> None:
        made = pytest.TestReport(f"tests/test_a.py::{function}", ("", 0, ""), {}, outcome, None, phase)
        seen.pytest_runtest_logreport(made)

    seen = type(outcomes)()
    for function, call in (("test_one[1]", "passed"), ("test_one[2]", "failed"), ("test_two", "passed")):
        for phase, outcome in (("setup", "passed"), ("call", call), ("teardown", "passed")):
            report(function, phase, outcome)
    report("test_three", "setup", "skipped")
    report("test_four", "setup", "passed")
    found = {name: seen.of(f"tests/test_a.py::test_{name}") for name in ("one", "two", "three", "four", "five")}
    assert found == {"one": "failed", "two": "passed", "three": "skipped", "four": "not run", "five": None}

"""The workflows are sound, may do little, and run nothing that is not run here.

A step's command is a target of the Makefile or one line; :data:`RUN_HERE` says for each where `make test` runs it, or
what stands in for what it needs (a network, a GPU, GitHub).
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import check_jsonschema
import pytest
import yaml
from click.testing import CliRunner

from .conftest import ROOT

GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
BIN = Path(sys.executable).parent

# Command, as the workflows write it -> where it runs in `make test`: a target of that, or a test.
TOLD = "tests/test_publishing.py::test_a_failure_opens_an_issue_once"
RUN_HERE = {
    "make test": "Makefile::test",
    "make book": "Makefile::book",
    "make pdf": "Makefile::pdf",
    "make archive": "Makefile::archive",
    "make dist": "tests/test_workflows.py::test_the_package_is_built_as_make_dist_does",
    "make links": "tests/test_links.py::test_a_site_of_good_links_passes_and_a_list_asks_nobody",
    "make vendored": "tests/test_vendored.py::test_every_file_of_the_built_site_is_accounted_for",
    "make audit": "tests/test_publishing.py::test_advisories_are_open_explained_or_out_of_reach",  # no network
    "make newest": "tests/test_workflows.py::test_the_newest_versions_are_compiled_as_make_newest_does",  # no network
    "make gpu": "tests/radius/test_gpu_notebook.py::test_the_cells_leave_a_record_that_verifies",  # on a CPU
    "python3 tools/notebooks_branch.py _build/notebooks":
        "tests/test_publishing.py::test_the_branch_has_the_notebooks_and_no_history",
    'python3 tools/tell.py "Newest versions, or an advisory"': TOLD,
    'python3 tools/tell.py "Links that lead nowhere"': TOLD,
    "make release": "tests/test_workflows.py::test_a_release_is_checked_as_make_release_does",
    "gh release create": "tests/test_workflows.py::test_a_release_has_what_the_build_has_packed",  # GitHub's own
}  # fmt: skip


def workflow(path: Path) -> dict:
    # BaseLoader: YAML 1.1 would read the key `on` as true.
    return yaml.load(path.read_text(encoding="utf-8"), yaml.BaseLoader)


def jobs() -> list[tuple[str, dict]]:
    return [(f"{path.stem}.{name}", job) for path in WORKFLOWS for name, job in workflow(path)["jobs"].items()]


def steps(key: str) -> list[tuple[str, str]]:
    return [(name, step[key]) for name, job in jobs() for step in job.get("steps", []) if key in step]


def known(command: str) -> str:
    """A command, a release's without its files."""
    return "gh release create" if command.startswith("gh release create ") else command


def lint(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([BIN / command[0], *command[1:]], cwd=ROOT, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("vendor.github-workflows", ".github/workflows/*.yml"),
        ("custom.github-workflows-require-timeout", ".github/workflows/*.yml"),
        ("vendor.dependabot", ".github/dependabot.yml"),
        ("vendor.github-issue-forms", ".github/ISSUE_TEMPLATE/?[!o]*.yml"),
        ("vendor.github-issue-config", ".github/ISSUE_TEMPLATE/config.yml"),
        ("vendor.citation-file-format", "CITATION.cff"),
    ],
)
def test_the_files_are_of_the_form_that_github_reads(schema: str, files: str):
    found = [str(path) for path in sorted(ROOT.glob(files))]
    assert found
    done = CliRunner().invoke(check_jsonschema.main, ["--builtin-schema", schema, *found])
    assert done.exit_code == 0, done.output


def test_a_file_of_another_form_is_found(tmp_path: Path):
    path = tmp_path / "test.yml"
    path.write_text((GITHUB / "workflows" / "test.yml").read_text().replace("runs-on:", "runs-an:"))
    done = CliRunner().invoke(check_jsonschema.main, ["--builtin-schema", "vendor.github-workflows", str(path)])
    assert done.exit_code == 1


def test_the_linter_of_workflows_finds_nothing():
    done = lint("zizmor", "--offline", "--no-progress", "--persona=pedantic", "--format=json", str(GITHUB))
    assert json.loads(done.stdout) == [], done.stdout


def test_the_linter_would_find_something(tmp_path: Path):
    text = (GITHUB / "workflows" / "test.yml").read_text()
    (tmp_path / ".github" / "workflows").mkdir(parents=True)
    path = tmp_path / ".github" / "workflows" / "test.yml"
    harmed = re.sub(r"@[0-9a-f]{40} # (v\d+)\S*", r"@\1", text).replace("make test", "echo ${{ github.head_ref }}")
    path.write_text(harmed)
    done = lint("zizmor", "--offline", "--no-progress", "--format=json", str(path))
    assert {"unpinned-uses", "template-injection"} <= {found["ident"] for found in json.loads(done.stdout)}


def test_every_action_is_pinned_by_commit_with_its_version():
    lines = [line for path in WORKFLOWS for line in path.read_text().splitlines()]
    lines = [line for line in lines if re.match(r"\s*-? *uses: (?!\./)", line)]
    pins = [re.fullmatch(r"\s*(?:- )?uses: (actions/[a-z-]+)@([0-9a-f]{40} # v\d+\.\d+\.\d+)", line) for line in lines]
    assert len(pins) > 20
    assert [line for line, pin in zip(lines, pins, strict=True) if pin is None] == []
    # One commit of each action everywhere.
    assert len({pin.groups() for pin in pins}) == len({pin[1] for pin in pins})


def test_permissions_are_explicit_and_least():
    assert [path.name for path in WORKFLOWS if workflow(path)["permissions"] != {}] == []
    called = [name for name, job in jobs() if "uses" in job]  # their limits are those of the workflow that they call
    assert [name for name, job in jobs() if "permissions" not in job] == []
    assert [name for name, job in jobs() if "timeout-minutes" not in job and name not in called] == []
    writing = {name: {what for what, how in job["permissions"].items() if how == "write"} for name, job in jobs()}
    assert {name: what for name, what in writing.items() if what} == {
        "publish.deploy": {"pages", "id-token"},
        "publish.notebooks": {"contents"},
        "release.release": {"contents"},
        "weekly.tell": {"issues"},
        "links.tell": {"issues"},
    }
    # What may write runs nothing of a pull request, and builds nothing.
    for path in WORKFLOWS:
        if "pull_request" in workflow(path)["on"]:
            assert {job["permissions"].get("contents") for job in workflow(path)["jobs"].values()} == {"read"}
        assert "pull_request_target" not in path.read_text()
    for name, job in jobs():
        if writing[name]:
            assert not [step["run"] for step in job.get("steps", []) if step.get("run", "").startswith("make")], name


def test_every_command_is_one_line_and_is_run_here():
    commands = steps("run")
    assert [command for _, command in commands if "\n" in command.strip()] == []
    assert {known(command) for _, command in commands} == set(RUN_HERE)


def makefile() -> dict[str, str]:
    """What stands behind each target: its prerequisites and recipe."""
    text = (ROOT / "Makefile").read_text()
    return {m[1]: m[0] for m in re.finditer(r"^([a-z]+):(?:.*\n)(?:\t.*\n|\s*\n(?=\t))*", text, re.MULTILINE)}


def test_what_is_said_to_run_here_does():
    targets = makefile()
    of_test = set(re.findall(r"[a-z]+", targets["test"].splitlines()[-1].partition("--no-print-directory")[2]))
    for command, place in RUN_HERE.items():
        if command.startswith("make "):
            assert command.split()[1] in targets, command
        file, name = place.split("::")
        if file == "Makefile":
            assert name == "test" or name in of_test, place
        else:
            assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8"), place
        if tool := re.search(r"tools/\w+\.py", command):
            assert (ROOT / tool[0]).is_file()


def test_workflows_run_on_every_python_that_the_package_names():
    versions = workflow(GITHUB / "workflows" / "test.yml")["jobs"]["test"]["strategy"]["matrix"]["python"]
    named = re.findall(r"Programming Language :: Python :: (\d+\.\d+)", (ROOT / "pyproject.toml").read_text())
    assert versions == named


def test_a_release_has_what_the_build_has_packed():
    release = workflow(GITHUB / "workflows" / "release.yml")["jobs"]
    uploads = [step["with"] for step in release["build"]["steps"] if "path" in step.get("with", {})]
    (packed,) = [upload["path"].split() for upload in uploads]
    command = next(step["run"] for step in release["release"]["steps"] if "run" in step)
    files = [word.removeprefix("release/") for word in command.split() if word.startswith("release/")]
    assert {Path(path).parent for path in files} == {Path(path).parent for path in packed}
    for path in packed:
        assert any(Path(path.replace("*", "x")).match(pattern) for pattern in files), path
    # The build names its files as the workflow expects them.
    assert 'NAME = "energy-memory-and-scale"' in (ROOT / "tools" / "archive.py").read_text()
    downloads = (ROOT / "src/beyond_scaling/bookbuild/downloads.py").read_text()
    assert 'PDF = "downloads/energy-memory-and-scale.pdf"' in downloads


def test_nothing_is_published_that_has_not_passed_the_tests():
    jobs_of = workflow(GITHUB / "workflows" / "publish.yml")["jobs"]
    assert jobs_of["test"]["uses"] == "./.github/workflows/test.yml"
    assert "workflow_call" in workflow(GITHUB / "workflows" / "test.yml")["on"]
    writing = [name for name, job in jobs_of.items() if "write" in job["permissions"].values()]
    assert sorted(writing) == ["deploy", "notebooks"]
    assert [name for name in writing if set(jobs_of[name]["needs"]) != {"test", "build"}] == []


def test_the_published_book_knows_where_it_is():
    build = workflow(GITHUB / "workflows" / "publish.yml")["jobs"]["build"]["steps"]
    environment = next(step["env"] for step in build if step.get("run", "").startswith("make book"))
    assert set(environment) == {"BOOK_URL", "BOOK_REPOSITORY", "BOOK_BRANCH"}
    publication = (ROOT / "src/beyond_scaling/bookbuild/publication.py").read_text()
    assert [name for name in environment if f'environment.get("{name}"' not in publication] == []
    notebooks = next(step["with"]["path"] for step in build if step.get("with", {}).get("name") == "notebooks")
    text = (ROOT / "src/beyond_scaling/bookbuild/notebooks.py").read_text()
    assert f'FOLDER = "{notebooks.removeprefix("_build/html/")}"' in text


def recipe(target: str) -> list[str]:
    """The commands that make would run for a target, the environment being there already."""
    shown = subprocess.run(
        ["make", "-n", "-o", ".venv/.ready", target], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    ).stdout
    return shown.replace("\\\n", " ").strip().splitlines()


def test_the_newest_versions_are_compiled_as_make_newest_does(tmp_path: Path):
    """With nothing to look up: that every option is one that uv has, and that our constraints are left out."""
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "x"\nversion = "1"\n[project.optional-dependencies]\ndev = []\n'
        '[tool.uv]\nconstraint-dependencies = ["nothing==1"]\n'
    )
    (command,) = recipe("newest")
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "UV_OFFLINE": "1"}
    subprocess.run(command, shell=True, cwd=tmp_path, env=environment, check=True, timeout=60)
    written = (tmp_path / "requirements.txt").read_text()
    assert "make newest" in written
    assert [line for line in written.splitlines() if line and not line.startswith("#")] == []


@pytest.mark.parametrize(("tag", "status"), [("", 0), ("v0.0.0", 1), ("$(false)", 1)])
def test_a_release_is_checked_as_make_release_does(tag: str, status: int):
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "TAG": tag}
    check, _, notes = recipe("release")
    done = subprocess.run(check, shell=True, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == status, done.stdout + done.stderr
    assert f"the tag is {tag!r}" in done.stdout or not tag
    notes = notes.partition(" > ")[0]
    said = subprocess.run(notes, shell=True, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert said.stdout.startswith("### ")


def test_the_package_is_built_as_make_dist_does(tmp_path: Path):
    """The sdist; the wheel is built, and installed, in tests/test_cli_default.py."""
    (command,) = recipe("dist")
    assert command == "python -m hatchling build -d dist"
    build = [sys.executable, *command.split()[1:-1], str(tmp_path), "-t", "sdist"]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    (archive,) = tmp_path.iterdir()
    with tarfile.open(archive) as packed:
        names = {name.partition("/")[2] for name in packed.getnames()}
    assert {"Makefile", "book/index.md", "requirements.txt", ".zenodo.json", "tests/conftest.py"} <= names
    assert not [name for name in names if name.startswith(("_build/", ".venv/", "dist/"))]

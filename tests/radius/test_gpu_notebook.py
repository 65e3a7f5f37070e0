"""The GPU notebook's own cells, run on a setting small enough for any machine."""

from __future__ import annotations

import os
from pathlib import Path

import jupytext
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from beyond_scaling import results
from beyond_scaling.radius import check

from ..conftest import ROOT

PAGE = ROOT / "book" / "experiments" / "radius-gpu.md"


def execute(folder: Path, more: str = "", **variables: str) -> str:
    """Run all cells, and one more, in a kernel of its own; what they printed."""
    notebook = jupytext.read(PAGE)
    if more:
        notebook.cells.append(jupytext.reads(f"```{{code-cell}}\n{more}\n```", fmt="md:myst").cells[0])
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"} | variables
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}}).execute(
        env=environment
    )
    return "".join(
        output["text"] for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs
        if output.output_type == "stream"
    )


def test_the_cells_leave_a_record_that_verifies(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    printed = execute(tmp_path, f"import shutil\nshutil.copytree(root, {str(kept)!r})")
    record = results.verify("radius-rehearsal", kept)
    check(record)
    assert set(record.summary["controls"]) == {"gaussian", "untrained", "shuffled", "rescaled"}
    assert set(record.summary["sites"]) == {"layer-0", "layer-2", "before", "after"}
    assert (record.parameters["model"], record.parameters["text"]) == ("openelm-440k", "flatland.txt")
    assert f"sound, {len(record.inputs)} inputs the same" in printed
    assert "the small model's" in printed
    assert f"{record.summary['sites']['after']['distance']['1']['mean']:.3f}" in printed
    # The rescaled norm doubles every distance and leaves the function alone.
    one, two = (record.summary[key]["after"] if key == "sites" else record.summary["controls"]["rescaled"]["after"]
                for key in ("sites", "controls"))
    assert two["distance"]["1"]["median"] == pytest.approx(2 * one["distance"]["1"]["median"], rel=1e-5)
    assert record.summary["function_change"] < 1e-5
    # A page of the book shows no folder of the machine that built it.
    assert str(tmp_path) not in printed
    assert "/tmp" not in printed


def test_an_unknown_setting_stops_at_once(tmp_path: Path) -> None:
    with pytest.raises(CellExecutionError) as found:
        execute(tmp_path, BEYOND_SCALING_SETTING="papers")
    assert (found.value.ename, found.value.evalue) == ("KeyError", "'papers'")

"""The notebook of the docs runs from its first cell to its last, in a process of its own."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[1] / "docs" / "notebook.ipynb"


@pytest.mark.slow
def test_the_notebook_runs_and_shows_a_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells), "it is kept without its outputs"
    client = NotebookClient(
        notebook, timeout=240, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    shown = "".join(str(output) for cell in notebook.cells for output in cell.get("outputs", ()))
    assert "<b>Ship linear</b>" in shown
    assert "<b>Keep linear</b>" in shown or "<b>Not enough evidence</b>" in shown or "<b>Ship smoothed</b>" in shown
    assert 'there is no option "lineer"' in shown
    assert not re.search(r"Traceback|Error:", shown)
    assert (tmp_path / "outputs/notebook/comparison.json").is_file()

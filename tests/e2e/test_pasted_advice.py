"""Advice is pasted: what a run says to type works in a shell, whatever the columns are called."""

from __future__ import annotations

import json
import random
import re
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from command_line import BAKEOFF, CommandLine


@pytest.mark.parametrize("names", [("amount, net", "zip code", "it's"), ('Größe "x"', "straße=$1", "a{b}:c\\d")])
def test_advice_with_odd_column_names_can_be_pasted(
    bakeoff: CommandLine, tmp_path: Path, names: tuple[str, str, str]
) -> None:
    leak, text, other = names
    rng = random.Random(0)
    labels = [rng.choice(["no", "yes"]) for _ in range(160)]
    frame = pd.DataFrame(
        {
            leak: [f"{label}-{rng.randint(1, 3)}" for label in labels],
            text: [f"words about case number {rng.randint(10_000, 99_999)} in row {i}" for i in range(160)],
            other: [rng.randint(1, 9) for _ in range(160)],
            "label": labels,
        }
    )
    frame.to_csv(tmp_path / "odd.csv", index=False)
    command = ["data=csv", "data.path=odd.csv", "data.target=label", "model=constant", "name=odd"]
    first = bakeoff(*command)
    assert first.returncode == 0, first.stderr
    advised = [*re.findall(r"read as free text\. \((.*)\)$", first.stdout, re.MULTILINE)]
    advised += re.findall(r"leave it out: (.*)\.$", first.stdout, re.MULTILINE)
    assert len(advised) == 2, first.stdout
    pasted = subprocess.run(
        ["bash", "-c", f"'{BAKEOFF}' {' '.join(command)} {' '.join(advised)} resume=false"],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert pasted.returncode == 0, pasted.stderr
    result = json.loads((tmp_path / "outputs" / "odd" / "constant" / "result.json").read_text())
    assert result["task"]["schema"]["columns"] == {text: "categorical", other: "numeric"}

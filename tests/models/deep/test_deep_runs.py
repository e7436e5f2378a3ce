"""Networks on the command line: one run, what it leaves behind, and what is imported when."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from command_line import CommandLine


def test_a_network_runs_as_any_model_and_leaves_its_curve(bakeoff: CommandLine, pets: Path, tmp_path: Path) -> None:
    done = bakeoff(
        "-m",
        "model=mlp,lstm",
        "data=csv",
        f"data.path={pets}",
        "data.target=label",
        "trainer.max_epochs=2",
        "name=nets",
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("\n") == 2, "a line for each variant, and nothing of Lightning's"
    for variant in ("mlp", "lstm"):
        run = tmp_path / "outputs" / "nets" / f"{variant}-trainer.max_epochs=2"
        curves = pd.read_parquet(run / "curves.parquet")
        assert curves["epoch"].tolist() == [0, 1]
        assert curves[["train_loss", "valid_loss", "learning_rate", "seconds"]].notna().all(axis=None)
        result = json.loads((run / "result.json").read_text())
        assert result["details"]["training"]["epochs"] == 2
        assert result["parameters"]["trainer"]["max_epochs"] == 2
        assert (run / "model" / "weights.safetensors").is_file()
        assert not (run / "checkpoints").exists()
    assert {path.name for path in tmp_path.iterdir()} == {"outputs", "pets.csv"}


def test_a_plan_of_networks_imports_neither_torch_nor_lightning(tmp_path: Path) -> None:
    code = """
import sys
from bakeoff.cli import main as cli
try:
    cli.main(["plan", "-m", "model=mlp,lstm,gru,finetune", "data=breast_cancer"])
except SystemExit as end:
    print(end.code)
print([name for name in ("torch", "pytorch_lightning", "transformers", "peft", "onnx") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-2:] == ["0", "[]"], done.stdout


@pytest.mark.slow
def test_a_killed_fit_goes_on_where_its_checkpoint_was(bakeoff: CommandLine, tmp_path: Path) -> None:
    import signal
    import time

    from command_line import INSTALLED

    asked = ("model=lstm", "data=sms_spam", "name=killed", "trainer.patience=null")
    process = subprocess.Popen(
        [str(INSTALLED), *asked], cwd=tmp_path, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    run = tmp_path / "outputs" / "killed" / "lstm-trainer.patience=null"
    while process.poll() is None and not list(run.glob("checkpoints/*.ckpt")):
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (run / "result.json").exists()
    done = bakeoff(*asked, timeout=600)
    assert done.returncode == 0, done.stderr
    result = json.loads((run / "result.json").read_text())
    assert result["details"]["training"]["resumed"]
    assert len(pd.read_parquet(run / "curves.parquet")) == 12

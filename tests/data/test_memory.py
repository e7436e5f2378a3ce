"""Loading needs little more memory than the rows themselves."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

PROGRAM = """
import re, sys
from pathlib import Path
from bakeoff import data
from bakeoff.data.settings import DataSettings
from bakeoff.data.sources import Parquet

def now(key):
    return int(re.search(key + r":\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024

settings = DataSettings(name="big", target="y")
data.load(Parquet(sys.argv[1]), settings)
before = now("VmRSS")
Path("/proc/self/clear_refs").write_text("5")
data.load(Parquet(sys.argv[2]), settings)
print(now("VmHWM") - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="peak memory is read from /proc")
def test_a_million_rows_are_loaded_with_less_than_a_second_copy(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({name: rng.normal(size=1_000_000) for name in [*(f"x{i}" for i in range(20)), "y"]})
    frame.to_parquet(tmp_path / "big.parquet")
    frame.head(1000).to_parquet(tmp_path / "small.parquet")
    paths = [str(tmp_path / "small.parquet"), str(tmp_path / "big.parquet")]
    peak = int(
        subprocess.run([sys.executable, "-c", PROGRAM, *paths], capture_output=True, text=True, check=True).stdout
    )
    assert peak < 2.0 * frame.memory_usage(index=False).sum()

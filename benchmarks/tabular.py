"""Tables in a minute of search: bakeoff's ``experiment=tabular_best`` and FLAML on the same rows, with equal seconds.

The split is scikit-learn's ``train_test_split(test_size=0.25, random_state=SPLIT)``, not stratified. The variant to
compare is ``together``: it was named before, not picked by its test score. FLAML is no dependency: name the Python of
an environment that has it (``pip install "flaml[automl]" pandas pyarrow``); it runs after bakeoff, on the same files.

python benchmarks/tabular.py [--data churn credit ames] [--seconds 60] [--split 0] [--flaml PYTHON]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import _quick

from bakeoff import record

BAKEOFF = Path(sys.executable).parent / "bakeoff"
TARGETS = {"churn": "churn", "credit": "Status", "ames": "Sale_Price"}
METRICS = {"churn": "roc_auc", "credit": "roc_auc", "ames": "rmse"}
FLAML = """
import json, sys
import pandas as pd
from flaml import AutoML
from sklearn.metrics import mean_squared_error, roc_auc_score
folder, target, metric, seconds = sys.argv[1:]
train, test = (pd.read_parquet(f"{folder}/{part}.parquet") for part in ("train", "test"))
automl = AutoML()
automl.fit(
    train.drop(columns=target), train[target], task="classification" if metric == "roc_auc" else "regression",
    metric=metric, time_budget=float(seconds), seed=0, verbose=0,
)
X, y = test.drop(columns=target), test[target]
if metric == "roc_auc":
    positive = y.value_counts().idxmin()
    value = roc_auc_score(y == positive, automl.predict_proba(X)[:, list(automl.classes_).index(positive)])
else:
    value = mean_squared_error(y, automl.predict(X)) ** 0.5
print(json.dumps({"value": value, "model": automl.best_estimator}))
"""


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--data", nargs="+", choices=TARGETS, default=list(TARGETS))
    ask.add_argument("--seconds", type=float, default=60.0, help="of search, for each of the two")
    ask.add_argument("--split", type=int, default=0, help="random state of the split")
    ask.add_argument("--flaml", type=Path, help="Python of an environment with FLAML; otherwise only bakeoff runs")
    ask.add_argument("--rows", type=int, help="the first ones of the table; all unless given")
    given = _quick.parse(ask, data=["credit"], seconds=0.6, rows=400)
    for name in given.data:
        with tempfile.TemporaryDirectory() as folder:
            write_split(name, Path(folder), given.split, given.rows)
            for variant, value in bakeoff(name, Path(folder), given.seconds).items():
                print(f"{name}: bakeoff {variant}: {METRICS[name]} {value:,.4f}", flush=True)
            if given.flaml is not None:
                print(
                    f"{name}: FLAML: {METRICS[name]} {flaml(given.flaml, name, Path(folder), given.seconds)}",
                    flush=True,
                )


def write_split(name: str, folder: Path, split: int, rows: int | None) -> None:
    """Write train.parquet and test.parquet."""
    from sklearn.model_selection import train_test_split

    from bakeoff.data import Sample

    frame = Sample(name).read().frame
    train, test = train_test_split(frame if rows is None else frame.head(rows), test_size=0.25, random_state=split)
    train.to_parquet(folder / "train.parquet", index=False)
    test.to_parquet(folder / "test.parquet", index=False)


def bakeoff(name: str, folder: Path, seconds: float) -> dict[str, float]:
    """Run the experiment, and return the deciding metric of each variant on the test rows."""
    arguments = [
        "experiment=tabular_best", "data=parquet", f"data.path={folder}/train.parquet",
        f"data.test_path={folder}/test.parquet", f"data.target={TARGETS[name]}", f"decision.metric={METRICS[name]}",
        f"name={name}", "tracker=none", "report=none", f"search.total.seconds={seconds:g}", "decision.ledger=false",
    ]  # fmt: skip
    subprocess.run([BAKEOFF, *arguments], cwd=folder, check=True, stdout=sys.stderr)
    runs = record.read_runs(folder / "outputs" / name)
    return {run.variant: float(run.metrics[METRICS[name]].value) for run in runs if run.status == "ok"}


def flaml(python: Path, name: str, folder: Path, seconds: float) -> str:
    """Value and model of FLAML."""
    command = [str(python), "-c", FLAML, str(folder), TARGETS[name], METRICS[name], str(seconds)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found = json.loads(done.stdout.splitlines()[-1])
    return f"{found['value']:,.4f} ({found['model']})"


if __name__ == "__main__":
    main()

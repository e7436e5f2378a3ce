"""``bakeoff labels``: a sheet of answers for people to label."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bakeoff import record
from bakeoff.cli.arguments import folders_of, options_of
from bakeoff.errors import ConfigError, DataError

if TYPE_CHECKING:
    import pandas as pd

EXAMPLE = "bakeoff labels outputs/qa rows=100"
ROWS, FILE = 100, "labels.csv"
COLUMNS = {"id", "reference", "output", "grade", "variant", "rater"}
"""Columns of a sheet that mean something when it is read back; inputs of these names are renamed."""


def labels(arguments: list[str]) -> None:
    """Write the answers of all variants to a random sample of test rows, blind and in random order."""
    folders = folders_of("labels", arguments, EXAMPLE)
    if len(folders) != 1:
        raise ConfigError(f"labels: name one folder, e.g. {EXAMPLE}")
    options = options_of("labels", arguments, {"rows": int, "seed": int, "out": str})
    rows, out = options.get("rows", ROWS), Path(options.get("out", FILE)).expanduser()
    if rows < 1:
        raise ConfigError(f"labels: rows={rows} is less than 1.")
    if out.exists():
        raise ConfigError(f"labels: {out} is there already, and may hold labels. Give another out=…")
    sheet, variants = _sheet(folders[0], rows, options.get("seed", 0))
    cells = sheet.map(lambda cell: record.csv_cell(cell) if isinstance(cell, str) else cell)
    record.write_text(out, cells.to_csv(index=False))
    print(
        f"{out}: {len(sheet):,} answers of {', '.join(variants)} to {sheet['id'].nunique():,} test rows drawn by "
        f'chance. Fill in the column "grade" (yes or no), then: bakeoff compare {folders[0]} labels={out}'
    )


def _sheet(folder: Path, rows: int, seed: int) -> tuple[pd.DataFrame, list[str]]:
    """The sheet, and the variants whose answers are in it. Equal answers to a row are one line."""
    import numpy as np
    import pandas as pd

    from bakeoff.grading.labels import GRADE

    runs = [run for run in record.read_runs(folder) if run.status == "ok"]
    tables = {run.variant: record.read_predictions(run).answered for run in runs}
    tables = {name: table for name, table in tables.items() if GRADE in table.grades}
    if not tables:
        raise DataError(
            f"labels: no run of {folder} has answers that a judge graded. Labels correct a judge: add metrics=judged "
            "(questions) or metrics=judged_texts (texts), and run again."
        )
    common = sorted(set.intersection(*({str(i) for i in table.ids} for table in tables.values())))
    random = np.random.default_rng(seed)
    drawn = set(random.permutation(np.array(common, dtype=object))[:rows].tolist())
    lines = [
        {"id": str(identity), "reference": _reference(target), "output": str(output), "grade": ""}
        for table in tables.values()
        for identity, target, output in zip(table.ids, table.target, table.predictions.output, strict=True)
        if str(identity) in drawn
    ]
    sheet = pd.DataFrame(lines)
    plain = sheet.assign(
        output=[" ".join(output.split()) for output in sheet["output"]]
    )  # white space is no difference
    sheet = sheet[~plain.duplicated(["id", "output"])]
    inputs = record.read_inputs(folder)
    if inputs is not None:
        inputs.index = inputs.index.astype(str)
        inputs = inputs.rename(columns={name: f"input {name}" for name in inputs if name in COLUMNS})
        sheet = sheet.merge(inputs[[c for c in inputs if c not in sheet]], how="left", left_on="id", right_index=True)
        sheet = sheet[["id", *[c for c in inputs if c in sheet], "reference", "output", "grade"]]
    return sheet.iloc[random.permutation(len(sheet))], list(tables)


def _reference(target: object) -> str:
    """Gold answers of a row, for the person who labels."""
    answers = getattr(target, "answers", None)
    return " | ".join(answers) if answers is not None else str(target)

"""``bakeoff predict``: the fitted model of a run on new rows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from bakeoff.cli import shorthand
from bakeoff.cli.arguments import folders_of, overrides_of
from bakeoff.errors import ConfigError, did_you_mean

EXAMPLE = "bakeoff predict outputs/churn data.path=new.csv --out predictions.parquet"
FORMATS = (".parquet", ".csv", ".jsonl")
SHOWN = 5


def predict(arguments: list[str]) -> None:
    """Predict new rows with a run, or with the winner of a bake-off, and write the predictions into a file."""
    from bakeoff.config import components
    from bakeoff.execution import refresh
    from bakeoff.predictor import Predictor
    from bakeoff.report import terminal
    from bakeoff.request.spec import ROLES

    out, rest = _out(arguments)
    folders = folders_of("predict", rest, EXAMPLE)
    if len(folders) != 1:
        raise ConfigError(f"predict: name one folder, e.g. {EXAMPLE}")
    problems, node, id_column = _options(overrides_of(rest))
    run, notes = refresh.chosen(folders[0])
    predictor = Predictor(run)
    components.check_component(node, "data", also=ROLES, slot="data")
    rows = components.instantiate(node, "data", "data").read()
    predicted = predictor.predict(rows.frame, problems, id_column, rows.is_text)
    quoted = _write(predicted.frame, out)
    screen = terminal.console()
    for note in (*notes, *map(str, rows.notes), *(f"Every row: {text}." for text in predicted.common)):
        screen.print(note, soft_wrap=True, markup=False)
    own = (row[: len(row) - len(predicted.common)] for row in predicted.frame["messages"])
    with_messages = [(i, row) for i, row in zip(predicted.frame["id"], own, strict=True) if row]
    for name, row in with_messages[:SHOWN]:
        screen.print(f"Row {name}: {'; '.join(row)}.", soft_wrap=True, markup=False)
    if len(with_messages) > SHOWN:
        screen.print(f"… and {len(with_messages) - SHOWN:,} more rows with messages: see the column messages.")
    if quoted:
        screen.print(
            f"{quoted:,} cells begin with ' in {out}: a spreadsheet would evaluate them as formulas. "
            "Files that end in .parquet or .jsonl hold them as they are.", soft_wrap=True,
        )  # fmt: skip
    unanswered = int((predicted.frame["status"] != "ok").sum())
    lost = f", {unanswered:,} of them without an answer" if unanswered else ""
    screen.print(f"{run.name} predicted {len(predicted.frame):,} rows{lost}. Predictions: {out}", soft_wrap=True)


def _out(arguments: list[str]) -> tuple[Path, list[str]]:
    """The file to write, and the other arguments."""
    rest = list(arguments)
    out = "predictions.parquet"
    for i, argument in enumerate(rest):
        flag, has_value, value = argument.partition("=")
        if flag == "--out":
            if not has_value and i + 1 == len(rest):
                raise ConfigError(f"--out: name a file, e.g. {EXAMPLE}")
            out = value if has_value else rest[i + 1]
            del rest[i : i + (1 if has_value else 2)]
            break
    file = Path(out).expanduser()
    if file.suffix.lower() not in FORMATS:
        raise ConfigError(f'--out: "{file.name}" ends in none of {", ".join(FORMATS)}.')
    return file, rest


def _options(overrides: list[str]) -> tuple[Any, Mapping[str, Any], str | None]:
    """Parse the overrides: treatment of problems, source of the rows, and name of the id column."""
    problems, id_column, option = "report", None, None
    values: dict[str, Any] = {}
    for override in shorthand.expanded(overrides):
        key, _, text = override.partition("=")
        value = shorthand.unquoted(text) if key in ("data", "data.path") else yaml.safe_load(text)
        if key == "problems":
            problems = str(value)
        elif key == "data.id":
            id_column = str(value)
        elif key == "data":
            option = str(value)
        elif key.startswith("data."):
            values[key.removeprefix("data.")] = value
        else:
            known = ("data", "data.path", "data.id", "problems")
            raise ConfigError(
                f"predict: {key} is not taken. What is: data=…, data.path=…, data.id=…, problems=refuse."
                f"{did_you_mean(key, known)}"
            )
    values.pop("name", None)
    if option is None:
        if "path" not in values:
            raise ConfigError(f"predict: name the new rows, e.g. {EXAMPLE}")
        option = shorthand.option_of(str(values["path"]))
    return problems, shorthand.component_of(option, values), id_column


def _write(frame: Any, out: Path) -> int:
    """Write the predictions.

    Returns:
        The number of cells that begin with ``'``, since a spreadsheet would evaluate their text as a formula.
    """
    from bakeoff import record

    if not out.parent.is_dir():
        raise ConfigError(f"--out: there is no folder {out.parent}.")
    quoted = 0
    ending = out.suffix.lower()
    if ending == ".csv":
        texts = frame.assign(messages=["; ".join(row) for row in frame["messages"]])
        frame = texts.map(lambda cell: record.csv_cell(cell) if isinstance(cell, str) else cell)
        quoted = int((frame.astype(object) != texts.astype(object)).where(texts.notna(), other=False).to_numpy().sum())
        frame = frame.rename(columns=record.csv_cell)
    writers = {
        ".parquet": lambda path: frame.to_parquet(path, index=False),
        ".csv": lambda path: frame.to_csv(path, index=False),
        ".jsonl": lambda path: frame.to_json(path, orient="records", lines=True, force_ascii=False),
    }
    record.write_file(out, writers[ending])
    return quoted

"""A fifth kind of column, brought by a plugin of one file: read, profiled, asked by rules, refused by other models."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from installing import bakeoff, declare
from sklearn.linear_model import LogisticRegression

from bakeoff import data
from bakeoff.columns import kinds
from bakeoff.data import overview, profile
from bakeoff.data.reader import RowReader
from bakeoff.data.settings import DataSettings
from bakeoff.data.sources import Csv
from bakeoff.errors import ConfigError, DataError
from bakeoff.models import Constant, Estimator, Rules
from bakeoff.models.base import Context, Model, require_columns
from bakeoff.task import Task

VERSIONS = ["v1.9.0", "1.10.2", "2.0.0", "10.1.0", None] * 12
LABELS = ["old", "old", "new", "new", "old"] * 12


@pytest.fixture
def versions(site: Path) -> Path:
    """A table with versions, where the plugin that knows them is installed."""
    shutil.copytree(Path(__file__).parent / "bakeoff_versions", site / "bakeoff_versions")
    points = {
        "bakeoff.plugins": {"versions": "bakeoff_versions"},
        "bakeoff.api": {"versions": "2"},
        "bakeoff.column_kinds": {"version": "bakeoff_versions:VERSION"},
    }
    declare(site, "bakeoff-versions", points)
    file = site.parent / "releases.csv"
    frame = pd.DataFrame({"release": VERSIONS, "size": np.arange(60.0) % 7, "age": LABELS})
    frame.to_csv(file, index=False)
    return file


def load(file: Path, declared: str = "version") -> Task:
    return data.load(
        Csv(str(file)),
        DataSettings("releases", "age", columns={"release": declared, "size": "number"}, duplicates="independent"),
    )


def test_a_declared_column_is_read_noted_and_profiled(versions: Path) -> None:
    task = load(versions)
    schema, X = task.schema, task.development.examples.X
    assert dict(schema.columns) == {"release": "version", "size": "numeric"}
    assert set(X["release"].dropna()) == {"1.9.0", "1.10.2", "2.0.0", "10.1.0"}
    assert any("release: a leading v is left out." in str(note) for note in task.notes)
    assert "version: release" in overview.reading_of(schema)
    found = profile.profile_columns(task.development.examples, schema)["release"]
    assert (found["type"], found["oldest"], found["newest"]) == ("version", "1.9.0", "10.1.0")
    assert found["missing"] == X["release"].isna().sum() > 0


def test_new_rows_are_read_as_the_known_ones(versions: Path) -> None:
    rows = RowReader(load(versions).schema).read(
        [{"release": "v3.0.1", "size": 1}, {"release": "three", "size": 1}, {"release": "n/a", "size": 1}]
    )
    assert rows.X["release"].iloc[0] == "3.0.1" and rows.X["release"].isna().tolist() == [False, True, True]
    assert rows.messages.tolist() == [(), ('release: "three" is no version, read as missing',), ()]


def test_rules_compare_its_values_in_its_own_order(versions: Path) -> None:
    task = load(versions)
    model = Rules([{"output": "new", "where": {"release": ">= 2.0.0"}}], default="old")
    assert predicted(model, task) == task.test.y.tolist()
    wrong = Rules([{"output": "new", "where": {"release": ">= two"}}])
    with pytest.raises(ConfigError, match='"two" is not a version'):
        wrong.check(task.schema)


def test_a_model_says_which_kinds_it_reads(versions: Path) -> None:
    from bakeoff_versions import Newest  # type: ignore[import-not-found]

    task = load(versions)
    with pytest.raises(
        ConfigError, match=r'Estimator reads no column of the kind version, which "release".*data.ignore='
    ):
        require_columns(Estimator(LogisticRegression()), task.schema)
    with pytest.raises(ConfigError, match='Newest reads no column of the kind numeric, which "size" is'):
        require_columns(Newest(), task.schema)
    require_columns(Constant(), task.schema)
    settings = DataSettings(
        "releases", "age", columns={"release": "version"}, ignore=["size"], duplicates="independent"
    )
    task = data.load(Csv(str(versions)), settings)
    require_columns(Newest(), task.schema)
    assert predicted(Newest(), task) == task.test.y.tolist()


def test_the_command_line_refuses_a_model_that_cannot_read_it(versions: Path) -> None:
    asked = ("data=csv", f"data.path={versions}", "data.target=age", "data.columns={release: version}")
    done = bakeoff(versions.parent / "site", "model=constant,linear", *asked, cwd=versions.parent)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Estimator reads no column of the kind version" in done.stderr and "data.ignore=" in done.stderr


def test_its_word_and_its_cells_are_checked(versions: Path) -> None:
    with pytest.raises(ConfigError, match=r'"versoin" is unknown\. Allowed: .*version\. Did you mean "version"'):
        load(versions, "versoin")
    with pytest.raises(ConfigError, match='"version" takes no format'):
        load(versions, "version:%d")
    versions.write_text(versions.read_text().replace("10.1.0", "ten"))
    with pytest.raises(DataError, match=r'"release" of .* holds "ten", which is no version'):
        load(versions)


def test_without_the_plugin_the_kind_is_unknown(site: Path) -> None:
    with pytest.raises(ConfigError, match=r'no kind of column "version".*A plugin that brought it may be missing'):
        kinds.get("version")


def predicted(model: Model, task: Task) -> list[str]:
    model.check(task.schema)
    model.fit(task.development.examples, None, Context(task.schema, seed=0, threads=1))
    return list(model.predict(task.test.X).output)

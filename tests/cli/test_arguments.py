"""Arguments of verbs: what is a folder, and what is an option."""

from __future__ import annotations

from pathlib import Path

import pytest

from bakeoff.cli.arguments import folders_of, overrides_of


def test_folder_of_a_variant_with_an_equals_sign_is_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("outputs/churn/linear-seed=1").mkdir(parents=True)
    arguments = ["outputs/churn/linear-seed=1", "data.path=new.csv"]
    assert folders_of("predict", arguments, "") == [Path("outputs/churn/linear-seed=1")]
    assert overrides_of(arguments) == ["data.path=new.csv"]

"""Scaffolds of ``bakeoff new``: a plugin whose tests pass as written, and an experiment that runs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template

from bakeoff.errors import ConfigError, did_you_mean
from bakeoff.plugins import API

TEMPLATES = Path(__file__).parent / "templates"
KINDS = ("model", "retriever", "metric", "data")
THINGS = ("plugin", "experiment")
# Where each kind's own files go: template → path in the new folder.
FILES: Mapping[str, Mapping[str, str]] = {
    "model": {
        "model.py": "src/$package/model.py",
        "learning.py": "src/$package/learning.py",
        "conf.yaml": "src/$package/conf/model/$name.yaml",
    },
    "retriever": {"retriever.py": "src/$package/retriever.py", "conf.yaml": "src/$package/conf/retriever/$name.yaml"},
    "metric": {"metric.py": "src/$package/metric.py"},
    "data": {"source.py": "src/$package/source.py", "conf.yaml": "src/$package/conf/data/$name.yaml"},
}
COMMON = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    "gitignore": ".gitignore",
    "init.py": "src/$package/__init__.py",
}
TRY = {
    "model": "bakeoff -m model=$name,linear data=sms_spam incumbent=linear",
    "retriever": "bakeoff -m model=retrieve retriever=$name,bm25 data=python_docs",
    "metric": "bakeoff -m model=constant,linear data=diabetes decision.metric=$name",
    "data": "bakeoff -m model=constant,linear data=$name",
}


def new(arguments: Sequence[str]) -> list[str]:
    """Write what is asked for into the working directory.

    Args:
        arguments: ``plugin NAME --kind KIND``, or ``experiment NAME``.

    Returns:
        What to do next, a line each.

    Raises:
        ConfigError: it is not one of these, the name cannot be used, or something is there already.
    """
    words, kind = _read(arguments)
    thing, name = (*words, "", "")[:2]
    if thing not in THINGS or not name or len(words) > 2:
        raise ConfigError(
            f"new: write bakeoff new plugin NAME --kind {'|'.join(KINDS)}, or bakeoff new experiment NAME."
            f"{did_you_mean(thing, THINGS) if thing not in THINGS else ''}"
        )
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ConfigError(
            f'new: "{name}" cannot be the name of a package and an option. '
            "It must be lower-case letters, digits and underscores, and begin with a letter."
        )
    return _experiment(name) if thing == "experiment" else _plugin(name, kind)


def _read(arguments: Sequence[str]) -> tuple[list[str], str]:
    words, kind = [], "model"
    waiting = iter(arguments)
    for argument in waiting:
        flag, _, value = argument.partition("=")
        if flag == "--kind":
            kind = value or next(waiting, "")
        elif argument.startswith("-"):
            raise ConfigError(f'new: there is no flag "{argument}". Flags: --kind.')
        else:
            words.append(argument)
    if kind not in KINDS:
        raise ConfigError(
            f'new: --kind: there is no template for "{kind}". Allowed: {", ".join(KINDS)}.{did_you_mean(kind, KINDS)} '
            "Other components need no more than a class and a config: see docs/plugins.md."
        )
    return words, kind


def _plugin(name: str, kind: str) -> list[str]:
    folder = Path(f"bakeoff-{name.replace('_', '-')}")
    if folder.exists():
        raise ConfigError(f"new: there is {folder} already. Choose another name, or remove it.")
    variables = {
        "name": name,
        "package": f"bakeoff_{name}",
        "distribution": folder.name,
        "Class": "".join(word.capitalize() for word in name.split("_")),
        "kind": kind,
        "api": API,
        "more": _template("metric", "entry_points.toml", name) if kind == "metric" else "",
        "try": Template(TRY[kind]).substitute(name=name),
    }
    _write(folder, "plugin", COMMON, variables)
    _write(folder, kind, {**FILES[kind], "test.py": "tests/test_$name.py"}, variables)
    return [
        f"Wrote {folder}, a plugin with a {kind} that works as it is. Next:",
        f"  pip install --editable {folder}",
        f"  python -m pytest {folder}",
        f"  {variables['try']}",
    ]


def _experiment(name: str) -> list[str]:
    file = Path("conf", "experiment", f"{name}.yaml")
    if file.exists():
        raise ConfigError(f"new: there is {file} already. Choose another name, or remove it.")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(_template("", "experiment.yaml", name), encoding="utf-8")
    return [f"Wrote {file}. Next:", f"  bakeoff --config-dir conf experiment={name}"]


def _template(folder: str, file: str, name: str) -> str:
    text = (TEMPLATES / folder / f"{file}.template").read_text("utf-8")
    return Template(text).substitute(name=name, package=f"bakeoff_{name}")


def _write(folder: Path, templates: str, files: Mapping[str, str], variables: Mapping[str, str]) -> None:
    for source, target in files.items():
        path = folder / Template(target).substitute(variables)
        path.parent.mkdir(parents=True, exist_ok=True)
        text = (TEMPLATES / templates / f"{source}.template").read_text("utf-8")
        path.write_text(Template(text).substitute(variables), encoding="utf-8")

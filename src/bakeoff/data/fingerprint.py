"""Fingerprint of a task: one hash of its schema, rows and split."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict

import numpy as np
import pandas as pd

from bakeoff.data import columns
from bakeoff.data.settings import DataSettings
from bakeoff.task import Corpus, Examples, Schema
from bakeoff.tasks import kinds

ROLES = ("id", "text", "slices", "group", "time", "ignore")


def of_test(schema: Schema, test: Examples) -> str:
    """SHA-256 of the ids and the truth of the test rows in any order, whatever is learnt from and by which features."""
    digest = hashlib.sha256(schema.kind.encode())
    ids = test.ids
    if len(ids) and np.issubdtype(ids.dtype, np.integer):
        ids = ids - ids.min()  # numbers of rows, which in a file of test rows go on from those of training
    truth, ids = (pd.util.hash_array(v) for v in (kinds.get(schema.kind).write_targets(test.y), ids.astype(str)))
    order = np.lexsort((truth, ids))
    for values in (truth, ids):
        digest.update(values[order].tobytes())
    return digest.hexdigest()


def build(
    schema: Schema,
    settings: DataSettings,
    development: Examples,
    n_train: int,
    test: Examples,
    corpus: Corpus | None = None,
) -> str:
    """SHA-256 of schema, roles, the rows of each part in order, and documents. Names and paths do not matter."""
    described = {**asdict(schema), "columns": list(schema.columns.items())}
    del described["readings"]  # what they make of the cells is in the rows
    declared = {
        "schema": {key: value for key, value in described.items() if value is not None or key != "series"},
        "roles": {role: getattr(settings, role) for role in ROLES},
        "rows": [n_train, len(development) - n_train, len(test)],
    }
    digest = hashlib.sha256(json.dumps(declared, sort_keys=True).encode())
    for part in (development, test):
        for hashes in (columns.row_hashes(part.X, len(part)), columns.row_hashes(part.slices, len(part))):
            digest.update(hashes.tobytes())
        for values in (kinds.get(schema.kind).write_targets(part.y), part.ids):
            digest.update(pd.util.hash_array(values).tobytes())
    if corpus is not None:
        digest.update(corpus.fingerprint.encode())
    return digest.hexdigest()

"""A plugin that brings a kind of column which bakeoff does not know, versions such as v1.10.2, and a model of them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bakeoff.extend import ColumnKind, Converted, DataError, Declared, Model, Predictions, Reading, persistence

FORM = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")


def rank(version):
    """A number that orders versions. Raises ``ValueError`` for what is none."""
    match = FORM.fullmatch(str(version))
    if match is None:
        raise ValueError(version)
    major, minor, patch = map(int, match.groups())
    return major * 1e6 + minor * 1e3 + patch


class Version(ColumnKind):
    """Values are strings without a leading v."""

    name = "version"
    words = ("version",)
    has_order = True
    operand = "version"

    def convert(self, values, declared: Declared):
        import pandas as pd

        odd = [text for text in values.dropna() if FORM.fullmatch(text) is None]
        if odd:
            raise DataError(f'data.columns: "{values.name}" of {declared.where} holds "{odd[0]}", which is no version.')
        led = values.str.startswith("v", na=False)
        remarks = (("{columns}: a leading v is left out.", "category"),) if led.any() else ()
        plain = pd.Series(values.str.removeprefix("v"), name=values.name)
        return Converted(plain, Reading(missing=("n/a",)), remarks)

    def read(self, values, reading, problems, name):
        import pandas as pd

        texts = values.astype("object").where(~values.isin(reading.missing), None)
        read = []
        for i, text in enumerate(texts):
            is_version = isinstance(text, str) and FORM.fullmatch(text) is not None
            if not is_version and not pd.isna(text):
                problems[i].append(f'{name}: "{text}" is no version, read as missing')
            read.append(text.removeprefix("v") if is_version else None)
        return pd.Series(read, index=values.index, dtype="str")

    def array(self, column):
        import numpy as np

        return np.array([rank(value) if isinstance(value, str) else np.nan for value in column])

    def parse_operand(self, value):
        return rank(value)

    def profile(self, present, with_values):
        ordered = sorted(present, key=rank)
        return {"oldest": ordered[0], "newest": ordered[-1]} if with_values else {}


VERSION = Version()


@dataclass(eq=False)
class Newest(Model):
    """Predicts the last class below a version and the first one from it on."""

    start: str = "2.0.0"
    column_kinds = ("version",)

    def check(self, schema):
        rank(self.start)

    def fit(self, train, valid, context):
        self.schema_ = context.schema

    def predict(self, X):
        import numpy as np

        classes = self.schema_.classes
        versions = VERSION.array(X[self.schema_.of_kind("version")[0]])
        return Predictions(np.array([classes[0 if v >= rank(self.start) else -1] for v in versions], dtype=object))

    def save(self, folder):
        persistence.write(folder, self, self.schema_)

    @classmethod
    def load(cls, folder):
        saved = persistence.read(cls, folder)
        saved.model.schema_ = saved.schema
        return saved.model

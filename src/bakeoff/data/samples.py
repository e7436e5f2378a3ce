"""Sample sets: real data that a first bake-off can run on."""

from __future__ import annotations

import io
import lzma
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bakeoff.data.sources import Rows
from bakeoff.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

# All that an old pickled frame of numbers and strings needs; nothing here runs code of the file's choosing.
UNPICKLED = {
    ("builtins", "slice"),
    ("numpy", "dtype"),
    ("numpy", "ndarray"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy._core.numeric", "_frombuffer"),
    ("pandas._libs.internals", "_unpickle_block"),
    ("pandas.core.frame", "DataFrame"),
    ("pandas.core.indexes.base", "Index"),
    ("pandas.core.indexes.base", "_new_Index"),
    ("pandas.core.indexes.range", "RangeIndex"),
    ("pandas.core.internals.managers", "BlockManager"),
}


@dataclass(frozen=True)
class Sample:
    """One of the sample sets.

    Args:
        sample: its name: sms_spam, trec, trec_types, churn, credit, ames, demand, breast_cancer or diabetes.
    """

    sample: str

    @property
    def name(self) -> str:
        """The sample's name."""
        return self.sample

    def read(self) -> Rows:
        """All rows. Raises ``AssetError`` when they must be fetched and cannot."""
        if self.sample not in READERS:
            raise ConfigError(
                f'data.sample: there is no "{self.sample}". '
                f"Samples: {', '.join(READERS)}.{did_you_mean(self.sample, READERS)}"
            )
        return Rows(READERS[self.sample]())


def _sms_spam() -> pd.DataFrame:
    import pandas as pd

    frame = pd.read_csv(_asset("sms_spam"), index_col=0)
    return pd.DataFrame({"text": frame["text"], "label": frame["spam"].map({0: "ham", 1: "spam"})})


def _trec() -> pd.DataFrame:
    """Lines such as ``NUM:date When did … ?``; the coarse class is what stands before the colon."""
    import pandas as pd

    lines = _asset("trec").read_text(encoding="latin-1").splitlines()
    split = [line.partition(" ") for line in lines if line.strip()]
    return pd.DataFrame(
        {"text": [text.strip() for _, _, text in split], "label": [label.partition(":")[0] for label, _, _ in split]}
    )


def _trec_types() -> pd.DataFrame:
    """The same questions, each once, with all classes that its lines name: coarse as ``NUM``, fine as ``NUM:date``."""
    import pandas as pd

    lines = _asset("trec").read_text(encoding="latin-1").splitlines()
    types: dict[str, set[str]] = {}
    for fine, _, text in (line.partition(" ") for line in lines if line.strip()):
        types.setdefault(text.strip(), set()).update((fine.partition(":")[0], fine))
    return pd.DataFrame({"text": list(types), "types": [sorted(labels) for labels in types.values()]})


def _churn() -> pd.DataFrame:
    return _pickled("churn")


def _credit() -> pd.DataFrame:
    return _pickled("credit")


def _ames() -> pd.DataFrame:
    return _pickled("ames")


def _demand() -> pd.DataFrame:
    """Half-hours of 2014. The source has no column of time; its first row is the first half-hour of the year."""
    import pandas as pd

    frame = _pickled("demand")
    frame.insert(0, "time", pd.date_range("2014-01-01", periods=len(frame), freq="30min"))
    return frame


def _breast_cancer() -> pd.DataFrame:
    from sklearn.datasets import load_breast_cancer

    bunch = load_breast_cancer(as_frame=True)
    frame: pd.DataFrame = bunch.data.assign(diagnosis=bunch.target.map(dict(enumerate(bunch.target_names))))
    return frame


def _diabetes() -> pd.DataFrame:
    from sklearn.datasets import load_diabetes

    bunch = load_diabetes(as_frame=True, scaled=False)
    frame: pd.DataFrame = bunch.data.assign(progression=bunch.target)
    return frame


READERS = {
    "sms_spam": _sms_spam,
    "trec": _trec,
    "trec_types": _trec_types,
    "churn": _churn,
    "credit": _credit,
    "ames": _ames,
    "demand": _demand,
    "breast_cancer": _breast_cancer,
    "diabetes": _diabetes,
}


def _asset(name: str) -> Path:
    from bakeoff import assets

    return assets.resolve(name)


def _pickled(name: str) -> pd.DataFrame:
    frame: pd.DataFrame = _FrameUnpickler(io.BytesIO(lzma.decompress(_asset(name).read_bytes()))).load()
    return frame.drop(columns="rownames")


class _FrameUnpickler(pickle.Unpickler):
    """Reads a frame, and refuses every other name a pickle could ask for."""

    def find_class(self, module: str, name: str) -> Any:
        module = module.replace("numpy.core.", "numpy._core.")  # renamed in NumPy 2
        if (module, name) not in UNPICKLED:
            raise pickle.UnpicklingError(f"{module}.{name} is not allowed in a sample")
        return super().find_class(module, name)

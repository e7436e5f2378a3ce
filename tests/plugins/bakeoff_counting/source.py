from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Fruit:
    """Sentences that name fruit, and how many of each.

    Args:
        rows: how many sentences.
    """

    rows: int = 120
    name = "sentences about fruit"

    def read(self):
        """All rows."""
        import numpy as np
        import pandas as pd

        from bakeoff.extend import Rows

        random = np.random.default_rng(0)
        drawn = random.integers(0, 4, size=(self.rows, 3))
        names = ("apple", "pear", "plum")
        counts = [{name: int(n) for name, n in zip(names, row, strict=True) if n} for row in drawn]
        texts = [
            " ".join([f"basket {i}:", *(name for name, n in c.items() for _ in range(n))]) for i, c in enumerate(counts)
        ]
        return Rows(pd.DataFrame({"text": texts, "counts": [json.dumps(c) for c in counts]}))

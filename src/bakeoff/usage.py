"""LLM usage of rows: requests, tokens and dollars, which add up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Usage:
    """LLM usage for each of n rows. All arrays have shape (n,).

    Attributes:
        calls: requests; 0 for a row that asked none, whose tokens and price are 0 as well.
        input_tokens, output_tokens: of these requests.
        cost_usd: their price in US dollars; NaN where it is unknown.
        cached: whether every request of the row was replayed, so that nothing was paid for it now; False for a row
            without requests. Tokens and price are then those of the original requests.
    """

    calls: NDArray[np.float64]
    input_tokens: NDArray[np.float64]
    output_tokens: NDArray[np.float64]
    cost_usd: NDArray[np.float64]
    cached: NDArray[np.bool_]

    @classmethod
    def zeros(cls, n: int) -> Usage:
        """Usage of n rows that asked no language model."""
        import numpy as np

        return cls(np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n, dtype=np.bool_))

    @classmethod
    def from_columns(cls, n: int, **columns: Any) -> Usage:
        """Usage of n rows from its fields as arrays or lists; those that are not given are 0."""
        import numpy as np

        types: dict[str, Any] = {f.name: np.bool_ if f.name == "cached" else np.float64 for f in fields(cls)}
        return cls(**{name: np.asarray(columns.get(name, np.zeros(n)), dtype=dtype) for name, dtype in types.items()})

    @classmethod
    def concatenate(cls, parts: Sequence[Usage]) -> Usage:
        """The rows of all parts, in their order."""
        import numpy as np

        if not parts:
            return cls.zeros(0)
        return cls(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(cls)))

    def __len__(self) -> int:
        return len(self.calls)

    def __add__(self, other: Usage) -> Usage:
        """Usage of the same rows by two parts of a model. An unknown price stays unknown."""
        calls = self.calls + other.calls
        replayed = (self.cached | (self.calls == 0)) & (other.cached | (other.calls == 0))
        return Usage(
            calls,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cost_usd + other.cost_usd,
            replayed & (calls > 0),
        )

    def take(self, rows: NDArray[Any]) -> Usage:
        """The given rows, by position or by mask."""
        return Usage(*(getattr(self, f.name)[rows] for f in fields(self)))

    def spread(self, rows: NDArray[np.intp], n: int) -> Usage:
        """Usage of n rows: these at the positions ``rows`` (each once), the others without requests."""
        whole = Usage.zeros(n)
        for f in fields(self):
            getattr(whole, f.name)[rows] = getattr(self, f.name)
        return whole

    @property
    def total(self) -> Usage:
        """All rows together, as one row."""
        import numpy as np

        has_calls = self.calls > 0
        return Usage(
            np.atleast_1d(self.calls.sum()),
            np.atleast_1d(self.input_tokens.sum()),
            np.atleast_1d(self.output_tokens.sum()),
            np.atleast_1d(self.cost_usd.sum()),
            np.atleast_1d(has_calls.any() and self.cached[has_calls].all()),
        )

    def shared_by(self, n: int) -> Usage:
        """Usage of n rows that share the usage of one row in equal parts."""
        import numpy as np

        one = self.total
        return Usage(
            np.full(n, one.calls[0] / n),
            np.full(n, one.input_tokens[0] / n),
            np.full(n, one.output_tokens[0] / n),
            np.full(n, one.cost_usd[0] / n),
            np.full(n, one.cached[0]),
        )

    @property
    def asked_any(self) -> bool:
        """True if any row made a request."""
        return bool((self.calls > 0).any())

    @property
    def paid_usd(self) -> float:
        """US dollars paid now: replayed rows were paid before, and unknown prices add nothing."""
        import numpy as np

        return float(np.nansum(self.cost_usd[~self.cached]))

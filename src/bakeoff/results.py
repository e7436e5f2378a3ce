"""Runs and bake-offs on disk as objects for Python: frames, verdicts, fitted models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bakeoff import record
from bakeoff.compare import folders
from bakeoff.compare.comparison import Comparison
from bakeoff.config.settings import DecisionSettings, typed
from bakeoff.errors import DataError, did_you_mean
from bakeoff.report import html, markdown, page, pages, summary
from bakeoff.report.blocks import Column, Table, Text
from bakeoff.report.document import Report

if TYPE_CHECKING:
    import pandas as pd

    from bakeoff.data.reader import Problems, RawRows
    from bakeoff.models.base import Model
    from bakeoff.predictor import Predictor

WORDS = {"ship": "Ship", "as_good": "As good", "keep": "Keep", "inconclusive": "Not enough evidence"}


class Run:
    """Results of one variant, read lazily from its run folder.

    Args:
        folder: the run folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.record = record.read_run(self.folder)

    @property
    def variant(self) -> str:
        """Name of the variant in the bake-off."""
        return self.record.variant

    @property
    def status(self) -> str:
        """Status of the run: ok, failed or interrupted."""
        return self.record.status

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Parameters of the model and its parts, as fitted."""
        return self.record.parameters

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes that a reader of this run needs, one sentence each."""
        return tuple(self.record.notes)

    @cached_property
    def config(self) -> dict[str, Any]:
        """The whole resolved config."""
        return record.read_config(self.folder) or {}

    @cached_property
    def metrics(self) -> pd.DataFrame:
        """Metrics on the test split: columns value, low and high, one row per metric.

        Prices and values are those by which the bake-off was last compared.
        """
        import pandas as pd

        scores = folders.with_prices_of_bakeoff(self.record).metrics
        rows = [(score.value, score.low, score.high) for score in scores.values()]
        return pd.DataFrame(rows, pd.Index(list(scores), name="metric"), ["value", "low", "high"], dtype=float)

    @cached_property
    def predictions(self) -> pd.DataFrame:
        """Predictions, one row per test example: id, target, output and further model outputs. Raises ``DataError``."""
        frame = record.read_frame(self.folder, record.PREDICTIONS)
        if frame is None:
            raise DataError(f"{self.folder}: there is no {record.PREDICTIONS}.")
        return frame

    @cached_property
    def trials(self) -> pd.DataFrame | None:
        """Trials of the search, one row each; None if there was no search."""
        return record.read_frame(self.folder, record.TRIALS)

    @cached_property
    def model(self) -> Model:
        """The fitted model, loaded when it is asked for. Raises ``DataError`` where there is none."""
        from bakeoff.models import persistence

        return persistence.load(record.model_folder(self.folder))

    @cached_property
    def _predictor(self) -> Predictor:
        from bakeoff.predictor import Predictor

        return Predictor(self.folder)

    def predict(self, rows: RawRows, problems: Problems = "report", id: str | None = None) -> pd.DataFrame:
        """Predict new rows with the fitted model; of a forecast, what comes after a history.

        Args:
            rows: a frame, a list of dicts, one dict, or JSON of either.
            problems: ``report`` says of each row what is wrong with it (a missing column, a category never seen, a
                value of another type) in the column ``messages``; ``refuse`` raises ``DataError``.
            id: the column that names each row; None: that of the task, where it is there, else positions.

        Returns:
            One row a row: id, output, probabilities and confidence where the model has them, status, reason, messages.
        """
        return self._predictor.predict(rows, problems, id).frame

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r}, {self.status})"

    def _repr_html_(self) -> str:
        columns = (Column("metric", "metric"), Column("value", "value [interval]", "interval"))
        title = f"{self.variant} ({self.record.family}): {self.status}"
        table = Table(columns, tuple(self.record.metrics.items()), title)
        error = [Text((self.record.error["message"],))] if self.record.error else []
        return html.render(Report((*error, table)))


@dataclass(frozen=True)
class Verdict:
    """Verdict of a bake-off: the variant to ship, if any.

    Attributes:
        word: ship, keep or inconclusive.
        winner: name of the winning variant; None if inconclusive.
        reason: in a sentence.
        notes: what a reader must know, one sentence each, and what method checks found.
    """

    word: str
    winner: str | None
    reason: str
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        winner = f" {self.winner}" if self.winner else ""
        return f"{WORDS[self.word]}{winner}: {self.reason}"

    def _repr_html_(self) -> str:
        notes = [Text(self.notes)] if self.notes else []
        winner = f" {self.winner}" if self.winner else ""
        verdict = Text((f"{WORDS[self.word]}{winner} – {self.reason}",), style="bold")
        return html.render(Report((verdict, *notes)))


class Bakeoff(Mapping[str, Run]):
    """The runs of one task and their comparison, by variant: ``bake["catboost"]``.

    Args:
        folder: of the bake-off.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self._runs = {run.variant: Run(run.folder) for run in record.read_runs(self.folder)}

    def __getitem__(self, variant: str) -> Run:
        if variant not in self._runs:
            near = did_you_mean(variant, self._runs)
            raise KeyError(f'there is no variant "{variant}". Variants: {", ".join(self._runs)}.{near}')
        return self._runs[variant]

    def __iter__(self) -> Iterator[str]:
        return iter(self._runs)

    def __len__(self) -> int:
        return len(self._runs)

    @cached_property
    def comparison(self) -> Comparison:
        """Comparison as last requested, as in ``comparison.json``. Raises ``DataError`` if the tasks differ."""
        last = max(self._runs.values(), key=lambda run: run.record.started).config
        settings = typed(DecisionSettings, last.get("decision") or {}, "decision")
        incumbent = last.get("incumbent")
        return folders.compare_folder(self.folder, settings, incumbent if incumbent in self._runs else None)[0]

    @property
    def verdict(self) -> Verdict:
        """The verdict: the variant to ship, and the reason."""
        c = self.comparison
        findings = tuple(finding for check in c.checks for finding in check.findings)
        return Verdict(c.verdict, c.winner, c.reason, (*c.notes, *findings))

    @property
    def winner(self) -> Run | None:
        """The run that the verdict names; None when there is not enough evidence."""
        return self._runs[self.comparison.winner] if self.comparison.winner else None

    @cached_property
    def leaderboard(self) -> pd.DataFrame:
        """One row a variant, best first: the metric that decides with its interval, the difference to the incumbent
        with its own, then every other metric."""
        import pandas as pd

        c = self.comparison
        gaps = {d.variant: d for d in c.differences if d.metric == c.metric}
        rows = []
        for v in c.variants:
            deciding = v.metrics.get(c.metric)
            gap = gaps.get(v.name)
            row: dict[str, Any] = {"variant": v.name, "family": v.family, "status": v.status}
            row |= {c.metric: deciding and deciding.value}
            row |= {f"{c.metric}_low": deciding and deciding.low, f"{c.metric}_high": deciding and deciding.high}
            row |= {"difference": gap and gap.difference}
            row |= {"difference_low": gap and gap.low, "difference_high": gap and gap.high}
            row |= {name: score.value for name, score in v.metrics.items() if name != c.metric}
            rows.append(row)
        frame = pd.DataFrame(rows).set_index("variant")
        figures = [column for column in frame.columns if column not in ("family", "status")]
        return frame.astype(dict.fromkeys(figures, float))

    @cached_property
    def predictions(self) -> pd.DataFrame:
        """Test rows that all finished variants answered: the target, and each variant's output, by variant name."""
        import pandas as pd

        frames = {name: run.predictions.set_index("id") for name, run in self._runs.items() if run.status == "ok"}
        if not frames:
            raise DataError(f"{self.folder}: no variant has predictions.")
        target = next(iter(frames.values()))["target"]
        outputs = [frame["output"].rename(name) for name, frame in frames.items()]
        return pd.concat([target, *outputs], axis=1, join="inner")

    @cached_property
    def trials(self) -> pd.DataFrame:
        """The trials of all searches, one row each, with a column ``variant``; empty where nothing was searched."""
        import pandas as pd

        frames = [run.trials.assign(variant=name) for name, run in self._runs.items() if run.trials is not None]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()

    def __repr__(self) -> str:
        return f"Bakeoff({str(self.folder)!r}: {', '.join(self._runs)})"

    def to_markdown(self) -> str:
        """The report of the bake-off as Markdown: data notes, leaderboard, verdict and method checks."""
        return markdown.render(self._report())

    def _repr_html_(self) -> str:
        runs = [run.record for run in self._runs.values()]
        page_text = page.render(pages.build(self.comparison, runs, self.folder))
        return html.render(self._report()) + html.framed(page_text, f"Report of {self.folder.name}")

    def _report(self) -> Report:
        runs = [run.record for run in self._runs.values()]
        return summary.build(self.comparison, runs, self.folder)

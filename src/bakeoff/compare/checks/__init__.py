"""Method checks: weaknesses in how a bake-off was conducted that limit its conclusions.

A check of a plugin is one decorated function, named by an entry point in the group ``bakeoff.checks``::

    from bakeoff.compare.checks import check

    @check("enough_answers", "Did every variant answer a hundred rows?", severity="note")
    def enough_answers(evidence):
        return [f"{name} answered {len(table)}." for name, table in evidence.tables.items() if len(table) < 100]

docs/checks.md says what a finding of each check means, and what to do.
"""

from __future__ import annotations

import logging

from bakeoff import plugins
from bakeoff.compare.checks.base import Check, Checked, Evidence, Severity, State, check
from bakeoff.compare.checks.baselines import references, simple_baseline
from bakeoff.compare.checks.calibration import calibration
from bakeoff.compare.checks.clusters import clustered_rows
from bakeoff.compare.checks.found_slices import found_slices
from bakeoff.compare.checks.labels import label_noise
from bakeoff.compare.checks.language import judge_family, unseen_test
from bakeoff.compare.checks.leaks import copied_texts, near_duplicates, ordered_classes, single_column
from bakeoff.compare.checks.looks import looks_spent
from bakeoff.compare.checks.machines import same_machine, same_version, timed_alone
from bakeoff.compare.checks.predictions import alike, answered, found_something, says_more_than_one_thing, too_good
from bakeoff.compare.checks.rows import detectable, enough_rows, enough_units
from bakeoff.compare.checks.seeds import one_seed, rival_seeds
from bakeoff.compare.checks.slices import seen_inputs, weak_slice
from bakeoff.compare.checks.time import serial_dependence
from bakeoff.compare.checks.tuning import edge_of_space, met_constraints, same_budget, search_ended
from bakeoff.compare.checks.validation import same_order, training_gap, validation_gap
from bakeoff.errors import BakeoffError

log = logging.getLogger(__name__)

__all__ = ["OWN", "Check", "Checked", "Evidence", "Severity", "State", "check", "checked", "names", "own"]

OWN = (
    same_budget, met_constraints, search_ended, simple_baseline, references, enough_rows, enough_units, detectable,
    one_seed, rival_seeds, too_good, says_more_than_one_thing, same_machine, same_version, timed_alone, answered,
    found_something, seen_inputs, weak_slice, label_noise, single_column, ordered_classes, near_duplicates,
    copied_texts, looks_spent, edge_of_space, same_order, validation_gap, serial_dependence, alike, calibration,
    found_slices, judge_family, unseen_test, training_gap, clustered_rows,
)  # fmt: skip
"""bakeoff's own checks."""


def checked(evidence: Evidence) -> tuple[Checked, ...]:
    """Run bakeoff's own checks and those of plugins. A check that crashes reports it and does not affect the others."""
    results = [_run_or_failed(c, evidence, c.name, c.name) for c in OWN]
    for declared, loaded in plugins.loadable(plugins.CHECKS, own()):
        results.append(_run_or_failed(loaded, evidence, declared.name, str(declared.plugin)))
    return tuple(results)


def _run_or_failed(check: Check, evidence: Evidence, name: str, culprit: str) -> Checked:
    """Run a check; one that crashes is said, with its severity, and loses no comparison of runs that were paid for."""
    try:
        return _run(check, evidence, name)
    except Exception as error:  # third-party code: it may raise anything
        if isinstance(error, BakeoffError) and check in OWN:  # a damaged file is no fault of the check
            raise
        log.warning("the check %s failed", name, exc_info=True)
        failure = f"{culprit} failed here: {type(error).__name__}: {error}"
        severity: Severity = getattr(check, "severity", "caution")
        return Checked(name, str(getattr(check, "asks", name)), (failure,), severity, "failed")


def _run(check: Check, evidence: Evidence, name: str = "") -> Checked:
    name = name or check.name
    # Checks of plugins that were built for an earlier version have no severity.
    severity: Severity = getattr(check, "severity", "caution")
    if not check.applies(evidence.schema):
        return Checked(name, check.asks, (), severity, "not_applicable")
    findings = check.finds(evidence)
    if isinstance(findings, str):
        raise TypeError("it gave a text, not a list of them")
    return Checked(name, check.asks, tuple(map(str, findings)), severity, "found" if findings else "passed")


def own() -> list[str]:
    """Names of bakeoff's own checks."""
    return [c.name for c in OWN]


def names() -> list[str]:
    """Names of all checks, those of plugins last."""
    return [*own(), *plugins.declared(plugins.CHECKS)]

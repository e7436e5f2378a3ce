"""A plugin that brings a kind of task which bakeoff does not know: how many of each thing are in a text."""

from __future__ import annotations

import json

from bakeoff.extend import TableKind


class Counting(TableKind):
    """Targets are mappings, name → count; the column holds them as JSON."""

    name = "counting"
    summary = "how many of each thing"

    def default_metric(self, schema):
        return "count_error"

    def read_targets(self, column):
        import numpy as np

        targets = np.empty(len(column), dtype=object)
        for i, text in enumerate(column):
            targets[i] = {str(name): int(count) for name, count in json.loads(text).items()}
        return targets

    def write_targets(self, targets):
        import numpy as np

        return np.array([json.dumps(each, sort_keys=True) for each in targets], dtype=object)


COUNTING = Counting()

"""Which kind of solution should we ship?"""

import os
from importlib import import_module
from typing import Any

# Telemetry of libraries, which some report by default: they read these when they are imported.
for _name, _value in (
    ("ORT_DISABLE_TELEMETRY", "1"),
    ("HF_HUB_DISABLE_TELEMETRY", "1"),
    ("MLFLOW_DISABLE_TELEMETRY", "true"),
    ("RAY_USAGE_STATS_ENABLED", "0"),
    ("WANDB_ERROR_REPORTING", "false"),
    ("DO_NOT_TRACK", "1"),
):
    os.environ.setdefault(_name, _value)

__version__ = "0.1.0"

# Public names of `import bakeoff` and their modules: imported on first use, so that the import stays light.
_HOMES = {
    **dict.fromkeys(("run", "bakeoff", "load"), "bakeoff.api"),
    **dict.fromkeys(("Run", "Bakeoff", "Verdict"), "bakeoff.results"),
    **dict.fromkeys(
        ("BakeoffError", "ConfigError", "DataError", "AssetError", "LLMError", "VariantsFailed"), "bakeoff.errors"
    ),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])

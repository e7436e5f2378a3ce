"""Translation of Hydra's and OmegaConf's errors into bakeoff's: what, where, what is allowed, the nearest name."""

from __future__ import annotations

import re

from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from bakeoff import advice, secrets
from bakeoff.errors import did_you_mean

# Hydra's launchers that an extra of bakeoff's brings: launcher → extra.
EXTRA_LAUNCHERS = {"ray": "ray", "ray_aws": "ray", "submitit_local": "slurm", "submitit_slurm": "slurm"}


def explain(error: Exception) -> str | None:
    """Explain why Hydra rejects a request; None if the error is not about the request."""
    if "Config group override must be a string or a list" in str(error):
        return "A group takes the name of an option, not null: tracker=none. To do without a part, remove it: ~cost"
    if isinstance(error, MissingConfigException):
        return _missing_option(error)
    if isinstance(error, OverrideParseException):
        return _unreadable(secrets.without_secrets(error.override))
    if isinstance(error, YAMLError):
        return f"A config file is not valid YAML: {' '.join(str(error).split())}"
    if isinstance(error, ValueError) and _is_raised_by_hydra(error):
        return str(error)
    if isinstance(error, HydraException | OmegaConfBaseException):
        return _refused_override(error)
    return None


def _is_raised_by_hydra(error: Exception) -> bool:
    """Return whether Hydra itself rejects its flags: the innermost frame is in its command line."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_globals.get("__name__", "").startswith("hydra._internal")


def _unreadable(text: str) -> str:
    """Explain how to quote an override that Hydra's grammar does not take."""
    key, _, value = text.partition("=")
    remedy = f"Quote what is special: \"{key}='…'\""
    if re.fullmatch(r"\[[^\[\]{}'\"]+\]", value):
        remedy = f"Quote each item: {advice.override(key, [item.strip() for item in value[1:-1].split(',')])}"
    elif value.startswith(("[", "{")):
        remedy = f"Quote texts in it that hold = or other signs, and the whole for the shell: '{key}={{a: \"b=c\"}}'"
    return f"{key}: {text} cannot be read as an override. {remedy}"


def _missing_option(error: MissingConfigException) -> str:
    if error.missing_cfg_file is None or error.options is None:
        return str(error).splitlines()[0]
    group, _, option = error.missing_cfg_file.rpartition("/")
    options = [o for o in error.options if not o.startswith("_")]
    group = group or "config"
    if group == "hydra/launcher" and option in EXTRA_LAUNCHERS:
        return f'{group}: "{option}" is not installed. Install it: pip install "bakeoff[{EXTRA_LAUNCHERS[option]}]"'
    return f'{group}: there is no option "{option}". Options: {", ".join(options)}.{did_you_mean(option, options)}'


def _refused_override(error: Exception) -> str:
    if "Unexpected type annotation" in f"{error} {error.__cause__}":
        return 'A sweep within braces must be in quotes: search.space={model: "choice(a, b)"}'
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    cause = error.__cause__ if isinstance(error.__cause__, OmegaConfBaseException) else None
    unknown = re.match(r"Could not override '([^']+)'", lines[0])
    if unknown:
        key = unknown.group(1)
        siblings = _siblings(cause)
        listed_keys = f" Keys there: {', '.join(siblings)}." if siblings else ""
        near = did_you_mean(key.rpartition(".")[2], siblings)
        return f"{key}: there is no such key or group to override.{listed_keys}{near} To add a new key: +{key}=…"
    if cause is not None:
        key = f"{cause.full_key}: " if cause.full_key else ""
        reason = str(cause.msg or cause).splitlines()[0].strip()
        siblings = _siblings(cause)
        if siblings and cause.key is not None and cause.key not in siblings:
            reason = f"there is no such key. Keys: {', '.join(siblings)}.{did_you_mean(str(cause.key), siblings)}"
        return f"{key}{reason}"
    return "\n".join(lines)


def _siblings(cause: OmegaConfBaseException | None) -> list[str]:
    """The keys beside the one that was refused."""
    node = cause.parent_node if cause is not None else None
    return [str(key) for key in node] if isinstance(node, DictConfig) and node else []

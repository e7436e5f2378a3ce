"""Prompts: Jinja templates in config files, rendered to messages."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from bakeoff.errors import ConfigError, did_you_mean
from bakeoff.llm.base import Message
from bakeoff.task import Turn


@dataclass(frozen=True)
class Prompt:
    """Prompt templates for a language model.

    Args:
        system: template of the first message; empty for none.
        user: template of the last one.
    """

    user: str
    system: str = ""

    def render(
        self,
        examples: Sequence[tuple[Mapping[str, Any], str]] = (),
        history: Sequence[Turn] = (),
        **values: Any,
    ) -> tuple[Message, ...]:
        """The messages, with what changes least first: servers read an equal beginning once.

        Args:
            examples: values for ``user`` and the right answer of each, shown as earlier turns.
            history: turns of a conversation before the question; templates see it too.
            values: by name, for both templates.

        Raises:
            ConfigError: a template is invalid, or names an unknown value.
        """
        variables = {"history": history, **values}
        messages = [Message("system", text)] if (text := _rendered(self.system, "system", variables)) else []
        for shot_values, answer in examples:
            of_example = {**values, "history": (), **shot_values}
            messages += [Message("user", _rendered(self.user, "user", of_example)), Message("assistant", answer)]
        messages += [Message(turn.role, turn.content) for turn in history]
        return (*messages, Message("user", _rendered(self.user, "user", variables)))

    def variables(self) -> set[str]:
        """Names of the values that the templates use. Raises ``ConfigError`` for an invalid template."""
        return _wanted(self.system, "system") | _wanted(self.user, "user")

    def check(self, names: Collection[str]) -> None:
        """Raise ``ConfigError`` for an invalid template, or one that uses a value not among ``names``."""
        for which, template in (("system", self.system), ("user", self.user)):
            for variable in sorted(_wanted(template, which) - set(names)):
                raise _unknown(which, variable, names)


def _wanted(template: str, which: str) -> set[str]:
    from jinja2 import TemplateSyntaxError
    from jinja2.exceptions import SecurityError

    from bakeoff.llm.templates import limits

    try:
        limits.start()  # constants are computed when a template is compiled
        _compiled(template)  # which finds filters and tests that there are not, as well
        return set(_variables(template))
    except TemplateSyntaxError as error:
        raise _no_jinja(which, error) from None
    except (SecurityError, ArithmeticError, RecursionError, MemoryError) as error:
        raise ConfigError(f"prompt.{which}: it cannot be rendered: {type(error).__name__}: {error}") from None


def _rendered(template: str, which: str, values: Mapping[str, Any]) -> str:
    from jinja2 import TemplateError, TemplateSyntaxError, UndefinedError

    from bakeoff.llm.templates import limits

    try:
        texts = _texts(template, values)
        if texts is not None:
            return _rendered_from_texts(template, texts)
        limits.start()
        return str(_compiled(template).render(**values)).strip()
    except TemplateSyntaxError as error:
        raise _no_jinja(which, error) from None
    except UndefinedError as error:
        if name := re.fullmatch(r"'(\w+)' is undefined", str(error.message)):
            raise _unknown(which, name[1], values) from None
        raise ConfigError(f"prompt.{which}: {error.message}.") from None
    except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError, RecursionError, MemoryError) as error:
        raise ConfigError(f"prompt.{which}: it cannot be rendered: {type(error).__name__}: {error}") from None


def _no_jinja(which: str, error: Any) -> ConfigError:
    return ConfigError(f"prompt.{which}: line {error.lineno} is no Jinja: {str(error.message).rstrip('.')}.")


def _unknown(which: str, name: str, names: Collection[str]) -> ConfigError:
    there = ", ".join(sorted(names))
    return ConfigError(f'prompt.{which}: there is no value "{name}". There are: {there}.{did_you_mean(name, names)}')


def _texts(template: str, values: Mapping[str, Any]) -> tuple[tuple[str, str | tuple[str, ...]], ...] | None:
    """The values that a template uses, lists as tuples; None unless all are texts or lists of texts.

    None also for a template that may draw at random: it renders differently each time.
    """
    if "random" in template:
        return None
    used: list[tuple[str, str | tuple[str, ...]]] = []
    for name in _variables(template):
        value = values.get(name)
        if type(value) is list and all(type(item) is str for item in value):
            value = tuple(value)
        elif type(value) is not str:
            return None
        used.append((name, value))
    return tuple(used)


@lru_cache(maxsize=64)  # the system message and the examples of one prompt: they are the same for every row
def _rendered_from_texts(template: str, texts: tuple[tuple[str, str | tuple[str, ...]], ...]) -> str:
    from bakeoff.llm.templates import limits

    limits.start()
    values = {name: list(value) if isinstance(value, tuple) else value for name, value in texts}
    return str(_compiled(template).render(**values)).strip()


@lru_cache(maxsize=64)
def _variables(template: str) -> tuple[str, ...]:
    from jinja2 import meta

    from bakeoff.llm.templates import limits

    limits.start()
    return tuple(sorted(meta.find_undeclared_variables(_environment().parse(template))))


@lru_cache(maxsize=64)
def _compiled(template: str) -> Any:
    return _environment().from_string(template)


@lru_cache(maxsize=1)
def _environment() -> Any:
    """A sandboxed and bounded Jinja environment: experiment files are shared, so a template reaches only its values."""
    from bakeoff.llm.templates import Environment

    return Environment()

"""Numbers as people write them: decimal commas, thousands separators, percent signs, currency marks."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

MARKS = frozenset(
    [
        "-",
        "--",
        "---",
        "–",
        "—",
        ".",
        "..",
        "?",
        "na",
        "n/a",
        "n.a.",
        "#n/a",
        "<na>",
        "nan",
        "null",
        "none",
        "nil",
        "nd",
        "n.d.",
        "missing",
        "unknown",
        "not available",
        "undefined",
        "nat",
        "-nan",
        "1.#ind",
        "-1.#ind",
        "1.#qnan",
        "(null)",
        "(blank)",
        "0000-00-00",
        "0000-00-00 00:00:00",
        "\\n",
        "#na",
        "#value!",
        "#div/0!",
        "#ref!",
        "#name?",
        "#num!",
        "#null!",
        "",
    ]
)
"""Texts, trimmed and in lower case, that stand for a missing value among numbers or dates, and nowhere else."""

CURRENCIES = ("$", "€", "£", "¥", "₹", "USD", "EUR", "GBP", "CHF", "JPY")
FEWEST_GROUPED = (
    5  # distinct numbers with points between digits, from which whole ones beside them show what points are
)
LARGEST_EXACT = 2**53
"""Whole numbers beyond it lose digits as ``float64``."""

_GROUPERS = {",": ",", ".": r"\.", " ": " ", "'": "'"}
_CODE = "^[0-9]+[eE][0-9]+$"  # an article number such as 9E3
_IN_PARENTHESES = r"^[(]([0-9.,' ]*[0-9][0-9.,' ]*)[)]$"
_NOT_PLAIN = r"^[+-]?0[0-9]|^[0-9]+[eE][0-9]+$|[nN][aA][nN]|[xX\s]|^$"
_SAMPLE = 2_000
_UNIT = re.compile(r"[+-]?\d[\d.,' ]*?(?P<unit>[^\d\s.,'+()/:_-][^\d.,'+()/:_-]{0,11})")
_CURRENCY = re.compile(r"[+-]?\(?(?P<mark>[A-Za-z]{0,3}[$€£¥₩₪₫₦₱฿₺₽₹]|(?:Fr|kr|Rs)\.?|zł) ?[\d(+-]")
_GROUPED_BY_POINT = r"^[+-]?[1-9][0-9]{0,2}(?:[.][0-9]{3})+$"


@dataclass(frozen=True)
class NumberFormat:
    """A way to write numbers.

    Attributes:
        decimal: before the decimals, ``.`` or ``,``.
        thousands: between groups of three digits; empty: groups are not separated.
        affix: what stands at every number, such as ``%``, ``$`` or ``kg``; empty: nothing.
    """

    decimal: str = "."
    thousands: str = ""
    affix: str = ""

    @property
    def is_plain(self) -> bool:
        """True if numbers are written as a program writes them."""
        return self == NumberFormat()

    @property
    def has_unit(self) -> bool:
        """True if numbers have an affix other than a percent sign or a usual mark of currency."""
        return bool(self.affix) and self.affix not in (*_affixes(),)

    @property
    def pattern(self) -> str:
        """A regular expression for one number without its affix."""
        whole = "(?:0|[1-9][0-9]*)"
        if self.thousands:
            whole = f"(?:0|[1-9][0-9]*|[1-9][0-9]{{0,2}}(?:{_GROUPERS[self.thousands]}[0-9]{{3}})+)"
        point = re.escape(self.decimal)
        exponent = "" if self.thousands else "(?:[eE][+-]?[0-9]+)?"
        return rf"^[+-]?(?:(?:{whole}(?:{point}[0-9]*)?|{point}[0-9]+){exponent}|(?i:inf|infinity))$"

    def __str__(self) -> str:
        """For a person."""
        words = []
        if self.affix:
            words.append(f'"{self.affix}" at each')
        if self.thousands:
            words.append(f'"{self.thousands}" between thousands')
        if self.decimal != ".":
            words.append(f'"{self.decimal}" before decimals')
        return ", ".join(words)


FORMATS = tuple(
    NumberFormat(decimal, thousands)
    for decimal, thousands in (
        (".", ""),
        (".", ","),
        (",", ""),
        (",", "."),
        (".", " "),
        (",", " "),
        (".", "'"),
        (",", "'"),
    )
)


@dataclass(frozen=True)
class Guess:
    """Formats in which all texts of a column are numbers, but for marks of missing values.

    Attributes:
        formats: the likeliest first; empty: the column holds no numbers.
        marks: texts that stand for missing values, and their number of rows.
        odd: where the column is almost one of numbers, some of the texts that are none.
        odd_rows: their number of rows.
    """

    formats: tuple[NumberFormat, ...] = ()
    marks: tuple[tuple[str, int], ...] = ()
    odd: tuple[str, ...] = ()
    odd_rows: int = 0


def guess(values: pd.Series, decimal: str | None = None, thousands: str | None = None, marks: bool = True) -> Guess:
    """Find the number format of a column of texts.

    A leading zero (``0042``) or an exponent without a point (``9E3``) makes a text an identifier, not a number.

    Args:
        values: n texts, some of which may be missing.
        decimal: declared; None: found.
        thousands: declared; None: found.
        marks: whether texts such as ``-`` and ``NA`` may stand among numbers.
    """
    texts = as_arrow(values)
    present = texts.drop_null()
    if not len(present):
        return Guess()
    candidates = tuple(
        f
        for f in FORMATS
        if (decimal is None or f.decimal == decimal) and (thousands is None or f.thousands == thousands)
    )
    if FORMATS[0] in candidates and _is_plain(present):
        grouped = tuple(f for f in candidates if f.is_plain or (f.thousands == "." and _is_grouped(present, ".")))
        return Guess(tuple(sorted(grouped, key=lambda f: f.is_plain)) if _skips_small_groups(present) else grouped)
    distinct, counts = _distinct(present, marks)
    if distinct is None:
        return Guess()
    trimmed = _trimmed(distinct)
    is_mark = _is_mark(trimmed, marks)
    numbers = trimmed.filter(pa.array(~is_mark))
    if not len(numbers):
        return Guess()
    affix, bare = _without_affix(numbers)
    if 0 < in_parentheses(bare) < len(bare):  # all in parentheses: rather the numbers of footnotes
        bare = _signed(bare)
    formats = tuple(f for f in candidates if bool(pc.all(_fits(bare, f)).as_py()))
    if _skips_small_groups(bare):
        formats = tuple(sorted(formats, key=lambda f: f.thousands != "."))
    found_marks = tuple(
        (str(text), int(count))
        for text, count in zip(distinct.filter(pa.array(is_mark)).to_pylist(), counts[is_mark], strict=True)
    )
    if formats:
        return Guess(tuple(NumberFormat(f.decimal, f.thousands, affix) for f in formats), found_marks)
    fits = np.zeros(len(bare), dtype=bool)
    for f in candidates:
        fits = np.maximum(fits, np.asarray(_fits(bare, f)))
    rows = counts[~is_mark]
    odd_rows = int(rows[~fits].sum())
    if odd_rows > 0.1 * rows.sum():
        return Guess()
    odd = numbers.filter(pa.array(~fits)).to_pylist()
    return Guess((), found_marks, tuple(str(text) for text in odd[:3]), odd_rows)


def parse(values: pd.Series, form: NumberFormat, missing: frozenset[str] | None = None) -> tuple[pd.Series, pd.Series]:
    """Texts as numbers.

    Args:
        values: n texts, some of which may be missing.
        form: how numbers are written.
        missing: texts that stand for a missing value; None: those of ``MARKS``.

    Returns:
        The numbers, ``int64`` where all are whole and none is missing, else ``float64``; and a mask of the rows that
        hold a text that is no number in this format, shape (n,).
    """
    texts = as_arrow(values)
    if form.is_plain and missing is None and _is_plain(texts.drop_null()):
        none = pd.Series(np.zeros(len(values), dtype=bool), index=values.index)
        return pd.Series(_numbers(texts), index=values.index, name=values.name), none
    texts = _trimmed(texts)
    no_value = (
        _is_mark(texts, True)
        if missing is None
        else np.asarray(pc.is_in(texts, pa.array(sorted(missing), pa.string())))
    )
    bare = _signed(_stripped(texts, form.affix))
    is_number = pc.fill_null(pc.match_substring_regex(bare, form.pattern), False)
    if form.affix:  # without it, it may be another unit
        is_number = pc.and_(is_number, pc.fill_null(pc.match_substring(texts, form.affix), False))
    wrong = ~np.asarray(is_number) & ~no_value & ~np.asarray(pc.is_null(texts))
    plain = bare
    if form.thousands:
        plain = pc.replace_substring(plain, form.thousands, "")
    if form.decimal != ".":
        plain = pc.replace_substring(plain, form.decimal, ".")
    plain = pc.replace_substring_regex(plain, r"^\+", "")
    plain = pc.if_else(is_number, plain, pa.scalar(None, pa.string()))
    return pd.Series(_numbers(plain), index=values.index, name=values.name), pd.Series(wrong, index=values.index)


def unpadded(values: pd.Series) -> pd.Series:
    """Texts without leading zeros, for columns that are declared as numbers."""
    return values.str.replace(r"^\s*([+-]?)0+(\d)", r"\1\2", regex=True)


def in_parentheses(texts: pa.Array | pa.ChunkedArray) -> int:
    """Count the texts that are a number in parentheses, as accountants write negative numbers."""
    return int(pc.sum(pc.match_substring_regex(texts, _IN_PARENTHESES)).as_py() or 0)


def loses_digits(values: pd.Series) -> bool:
    """Return whether texts that are all whole numbers include one that a numeric column cannot represent exactly."""
    texts = as_arrow(values)
    if not pc.any(pc.match_substring_regex(texts, r"^\s*[+-]?[0-9]{16}")).as_py():
        return False
    texts = _trimmed(texts).drop_null()
    long = texts.filter(pc.match_substring_regex(texts, r"^[+-]?[0-9]{16,}$"))
    if not len(long):
        return False
    is_whole = bool(pc.all(pc.match_substring_regex(texts, r"^[+-]?[0-9]+$")).as_py()) and len(texts) == len(values)
    largest = 2**63 - 1 if is_whole else LARGEST_EXACT
    return any(abs(int(text)) > largest for text in pc.unique(long).to_pylist())


def numbers_among(marks: Iterable[str]) -> list[float]:
    """Marks of missing values that are numbers, such as -999: they stand for one in a column of numbers too."""
    numbers = []
    for mark in marks:
        with contextlib.suppress(ValueError):
            numbers.append(float(mark))
    return numbers


def as_arrow(values: pd.Series) -> pa.ChunkedArray:
    """A column of texts as Arrow has it, missing ones null."""
    array = pa.array(values, pa.string(), from_pandas=True)
    return array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])


def _is_plain(texts: pa.ChunkedArray) -> bool:
    """Return whether all texts are numbers as a program writes them: two passes that copy no text."""
    try:
        pc.cast(texts, pa.float64())
    except pa.ArrowInvalid:
        return False
    # What Arrow reads as a number beyond that: nan, white space, nothing at all; and identifiers.
    return not bool(pc.any(pc.match_substring_regex(texts, _NOT_PLAIN)).as_py())


def _fits(texts: pa.ChunkedArray, form: NumberFormat) -> pa.ChunkedArray:
    fits = pc.match_substring_regex(texts, form.pattern)
    return pc.and_(fits, pc.invert(pc.match_substring_regex(texts, _CODE)))


def _is_grouped(texts: pa.ChunkedArray, separator: str) -> bool:
    """Return whether some text has the separator, and all that do have it between groups of three digits."""
    pattern = rf"^[+-]?[1-9][0-9]{{0,2}}(?:{_GROUPERS[separator]}[0-9]{{3}})+$"
    with_it = texts.filter(pc.match_substring(texts, separator))
    return bool(len(with_it)) and bool(pc.all(pc.match_substring_regex(with_it, pattern)).as_py())


def _skips_small_groups(texts: pa.ChunkedArray) -> bool:
    """Return whether only whole numbers below 1,000 lack a point before three digits, as where points group digits."""
    texts = pc.unique(texts)
    with_point = pc.match_substring(texts, ".")
    bare = texts.filter(pc.invert(with_point))
    small = pc.match_substring_regex(bare, r"^[+-]?(?:0|[1-9][0-9]{0,2})$")
    is_nonzero = pc.match_substring_regex(bare, "[1-9]")
    grouped = pc.match_substring_regex(texts.filter(with_point), _GROUPED_BY_POINT)
    return (
        len(grouped) >= FEWEST_GROUPED
        and bool(pc.all(grouped).as_py())
        and bool(pc.all(small).as_py())
        and bool(pc.any(is_nonzero).as_py())
    )


def _distinct(present: pa.ChunkedArray, marks: bool) -> tuple[pa.Array | None, NDArray[np.int64]]:
    """The distinct texts and their counts; None where the first of them show that the column holds no numbers."""
    first = _trimmed(pc.unique(present.slice(0, _SAMPLE)))
    is_mark = _is_mark(first, marks)
    others = first.filter(pa.array(~is_mark))
    is_number = np.asarray(
        pc.match_substring_regex(
            _without_affix(others)[1], r"^[(]?[+-]?[0-9.,' ]*[0-9][0-9.,' ]*(?:[eE][+-]?[0-9]+)?[)]?$"
        )
    )
    if is_number.sum() + is_mark.sum() < 0.5 * len(first):
        return None, np.empty(0, dtype=np.int64)
    counts = pc.value_counts(present)
    return counts.field("values"), np.asarray(counts.field("counts"))


def _trimmed(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Strip surrounding white space, and normalise spaces and apostrophes within."""
    texts = pc.utf8_trim_whitespace(texts)
    texts = pc.replace_substring_regex(texts, "[\u00a0\u202f\u2009]", " ")
    return pc.replace_substring_regex(pc.replace_substring(texts, "’", "'"), "^\u2212", "-")


def _is_mark(texts: pa.ChunkedArray, marks: bool) -> NDArray[np.bool_]:
    if not marks:
        return np.zeros(len(texts), dtype=bool)
    return np.asarray(pc.is_in(pc.utf8_lower(texts), pa.array(sorted(MARKS), pa.string())))


def _affixes() -> Iterator[str]:
    yield "%"
    yield from CURRENCIES


def _without_affix(texts: pa.ChunkedArray) -> tuple[str, pa.ChunkedArray]:
    """The affix that all texts share, and the texts without it."""
    first = str(texts[0]) if len(texts) else ""
    mark = _CURRENCY.match(first)
    if mark and bool(pc.all(pc.match_substring(texts, mark["mark"])).as_py()):
        return mark["mark"], _stripped(texts, mark["mark"])
    for affix in _affixes():
        if bool(pc.all(pc.match_substring(texts, affix)).as_py()):
            return affix, _stripped(texts, affix)
    unit = _UNIT.fullmatch(first)
    is_of_clock = unit is not None and unit["unit"].strip().lower() in ("am", "pm")  # 12 am comes before 1 am
    if unit and not is_of_clock and bool(pc.all(pc.ends_with(texts, unit["unit"])).as_py()):
        return unit["unit"], _stripped(texts, unit["unit"])
    return "", texts


def _stripped(texts: pa.ChunkedArray, affix: str) -> pa.ChunkedArray:
    """Strip the affix from either end; a number in parentheses with it, as accountants write it, is negative."""
    if not affix:
        return texts
    quoted = re.escape(affix)
    texts = pc.replace_substring_regex(texts, rf"^[(]([0-9.,' ]+?) ?{quoted}[)]$", r"-\1")
    texts = pc.replace_substring_regex(texts, rf"^[(]{quoted} ?([0-9.,' ]+)[)]$", r"-\1")
    texts = pc.replace_substring_regex(texts, rf"^([+-]?) ?{quoted} ?([+-]?)", r"\1\2")
    return pc.replace_substring_regex(texts, rf" ?{quoted}$", "")


def _signed(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Replace parentheses by a minus sign."""
    return pc.replace_substring_regex(texts, _IN_PARENTHESES, r"-\1")


def _numbers(plain: pa.ChunkedArray) -> NDArray[np.int64] | NDArray[np.float64]:
    if not plain.null_count:
        try:
            return np.asarray(pc.cast(plain, pa.int64()))
        except pa.ArrowInvalid:
            pass  # decimals, or beyond 64 bits
    return np.asarray(pc.cast(plain, pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)

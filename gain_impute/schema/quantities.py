"""Quantities: numbers written with a unit or in a format, such as "1.37kg", "$4.99" and "1.099,00 €".

How a column writes its quantities is told by example: "1,234.56 kg" is a number with a comma between thousands and up
to two decimals; "$1,234.00" always has two.
"""

from __future__ import annotations

import functools
import math
import operator
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gain_impute.schema.number_text import fewest_decimals, find_written_decimals
from gain_impute.schema.reading import number_of
from gain_impute.schema.units import scale_of, with_plain_minus, word_of

__all__ = ["NumberFormat", "QuantityFormat", "find_number_formats"]

LEAST_OF_A_UNIT = 0.01
"""Share of a column's quantities from which a unit is one of its own, and not a slip."""
TIMES_GREATER = 10
"""Whole numbers that are so many times greater than what stands before the point of others: "381" beside "3.987"."""
FINEST_DECIMALS = 10
UNGROUPED = 1000
"""A number from here on is written in the next greater unit, where the column has one: 1.37 kg, and not 1,370 g ..."""
MOST_LOST = 0.01
"""... unless that loses more than this share of it, for want of decimals."""

_DECIMALS = "567891"  # of an example: how many are needed at most
_MOST_DECIMALS = 15
_SPACES = " \u00a0\u2009\u202f"
_APOSTROPHES = "'\u2019"
_THOUSANDS = f",.{_APOSTROPHES}{_SPACES}"
_GAP = r"\s{0,3}"
_EXAMPLE = re.compile(
    rf"(?P<before>[^\d+-]*)1(?P<thousands>[{_THOUSANDS}]?)234(?:(?P<mark>[.,])(?P<decimals>\d+))?(?P<after>(?![.,]?\d).*)"
)
_LOOSE_DIGIT = re.compile(r"(?<![^\W\d_])\d")  # m2 is a unit, and 567 none
_PARTS = re.compile(
    rf"(?P<before>\D*?)(?P<number>\d(?:[\d{_THOUSANDS}]*\d)?|(?<!\S)[.,]\d+)(?P<after>(?!\d).*)", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """One way to write a number.

    Attributes
    ----------
    before, after : str
        What stands around it, with its blanks: "$", " kg".
    thousands, mark : str
        What stands between thousands ("": nothing), and before decimals.
    decimals : int in [0, 15]
        How many are written at most.
    is_padded : bool
        Whether so many are written always, with zeros.

    Examples
    --------
    >>> NumberFormat.of("1.234,00 €")
    NumberFormat(before='', after=' €', thousands='.', mark=',', decimals=2, is_padded=True)
    >>> NumberFormat.of("1.234,00 €").write(-1099.5), NumberFormat.of("$1234.56").write(0.5)
    ('-1.099,50 €', '$0.5')
    """

    before: str
    after: str
    thousands: str
    mark: str
    decimals: int = 0
    is_padded: bool = False

    @classmethod
    def of(cls, example: str) -> NumberFormat | None:
        """Read an example: 1234, 1234.5, 1234.56 and so on, or 1234.0, 1234.00; None where it is none."""
        found = _EXAMPLE.fullmatch(example.strip())
        decimals = (found and found["decimals"]) or ""
        is_padded = decimals != "" and not decimals.strip("0")
        is_known = is_padded or _DECIMALS.startswith(decimals)
        if found is None or not is_known or len(decimals) > _MOST_DECIMALS or found["thousands"] == found["mark"]:
            return None
        if _LOOSE_DIGIT.search(found["after"]):
            return None
        mark = found["mark"] or ("." if found["thousands"] in {"", ",", *_APOSTROPHES} else ",")
        return cls(found["before"], found["after"], found["thousands"], mark, len(decimals), is_padded)

    def __str__(self) -> str:
        """The example."""
        digits = "0" * self.decimals if self.is_padded else _DECIMALS[: self.decimals]
        decimals = self.mark + digits if digits else ""
        return f"{self.before}1{self.thousands}234{decimals}{self.after}"

    @property
    def unit(self) -> str:
        """What stands around the number, without blanks."""
        return f"{self.before.strip()}{self.after.strip()}"

    def write(self, number: float, decimals: int | None = None) -> str:
        """Write a number; with another number of decimals, if that is given."""
        digits = f"{abs(number):,.{self.decimals if decimals is None else decimals}f}"
        if "." in digits and not self.is_padded:
            digits = digits.rstrip("0").removesuffix(".")
        digits = digits.translate({ord(","): self.thousands, ord("."): self.mark})
        sign = "-" if number < 0 and any(digit in "123456789" for digit in digits) else ""
        return f"{sign}{self.before}{digits}{self.after}"

    def read(self, text: str) -> float:
        """Read a number; NaN where it is none, of another unit, or infinite.

        Blanks, the case of longer units, a plural's s and the side of the unit do not matter, nor whether thousands are
        parted.
        """
        found = _pattern_of(self).fullmatch(text)
        if found is None or (found["sign"] and found["inner"]):
            return np.nan
        n_units = sum(found[side] is not None for side in ("before", "after"))
        if n_units != (bool(self.before.strip()) + bool(self.after.strip())):
            return np.nan
        digits = "".join(
            "." if sign == self.mark else sign for sign in found["number"] if sign.isdigit() or sign == self.mark
        )
        number = float(digits)
        if math.isinf(number):
            return np.nan
        return -number if "-" in {found["sign"], found["inner"]} else number


def _plain_digits(number: str, mark: str) -> str:
    """A number without what stands between thousands, and with a point."""
    return "".join("." if sign == mark else sign for sign in number if sign.isdigit() or sign == mark)


@functools.lru_cache(maxsize=1024)
def _pattern_of(way: NumberFormat) -> re.Pattern[str]:
    """What a number in a format looks like, in a text without blanks around."""
    if way.thousands in {"", ",", "."}:
        parting = r"\." if way.mark == "," else ","
    else:
        parting = f"[{_SPACES if way.thousands in _SPACES else _APOSTROPHES}]"
    size = "{2,3}" if parting == "," else "{3}"  # 12,34,567 in India
    whole = rf"[1-9]\d{{0,2}}(?:{parting}\d{size})*{parting}\d{{3}}|\d+"
    mark = re.escape(way.mark)
    number = rf"(?P<number>(?:{whole})(?:{mark}\d+)?|{mark}\d+)"
    units = [_unit_pattern(text) for text in (way.before, way.after)]
    before, after = units if all(units) else [*filter(None, units), "(?!)"][:1] * 2  # "(?!)": nothing matches it
    return re.compile(
        rf"(?P<sign>[+-]?){_GAP}(?P<before>{before})?{_GAP}(?P<inner>[+-]?){_GAP}{number}{_GAP}(?P<after>{after})?"
    )


def _unit_pattern(text: str) -> str:
    """What stands around a number, as a pattern: one letter as it is, more in any case, words in any number."""
    unit = text.strip()
    if len(unit) < 2:  # noqa: PLR2004
        return re.escape(unit)
    word = word_of(unit)
    is_word = word.replace(" ", "").isalpha()
    plural = "s?" if is_word and len(word) > 1 and word != unit.casefold().removesuffix(".") + "s" else ""
    return rf"(?i:{re.escape(word)}{plural}\.?)" if is_word else f"(?i:{re.escape(unit)})"


_scale_of_way = operator.itemgetter(1)


class QuantityFormat:
    """The ways in which a column writes its quantities.

    Numbers count in the unit of the first; in ones where that is a number of thousands or the like.

    Parameters
    ----------
    formats : sequence of NumberFormat
        Of several each has a unit, and all are of one dimension (see `scale_of`).

    Examples
    --------
    >>> weight = QuantityFormat.of(("1234 g", "1234.56 kg"))
    >>> weight.read(np.array(["340 g", "1.1kg", "2", "heavy"], dtype=object)).tolist()
    [340.0, 1100.0, 2.0, nan]
    >>> weight.write(np.array([340.4, 1371.0])), weight.grid
    (['340 g', '1.37 kg'], 1.0)
    """

    def __init__(self, formats: Sequence[NumberFormat]) -> None:
        unit = "" if scale_of("", formats[0].unit) is not None else formats[0].unit
        self._ways = [(each, scale_of(each.unit, unit) or 1.0) for each in formats]
        self._bare = replace(formats[0], before="", after="")

    @staticmethod
    @functools.lru_cache(maxsize=256)
    def of(examples: tuple[str, ...]) -> QuantityFormat:
        """Make it of examples; a ValueError says what they must be."""
        formats = [found for found in map(NumberFormat.of, examples) if found is not None]
        if len(formats) < len(examples) or not examples:
            raise ValueError(
                "examples of the number 1234, such as '1234.5 kg' (at most one decimal), '1.234,56 €' (at most two) or "
                "'$1,234.00' (always two)"
            )
        words = [word_of(each.unit) for each in formats]
        is_comparable = all(scale_of(word, words[0]) is not None for word in words)
        if not is_comparable or len(set(words)) < len(words):
            raise ValueError("of different units of one dimension, such as '1234 g' and '1234.5 kg'")
        return QuantityFormat(formats)

    @property
    def grid(self) -> float:
        """Step of the numbers of a column of one unit; of several the finest, 0 where another is no part of it."""
        steps = [scale * 10.0**-each.decimals for each, scale in self._ways]
        least = min(steps)
        ratios = [*(step / least for step in steps), *([1 / least] if least < 1 else [])]
        return least if all(math.isclose(ratio, round(ratio), rel_tol=1e-9) for ratio in ratios) else 0.0

    def read(self, values: NDArray[np.object_]) -> NDArray[np.float64]:
        """Numbers (n_values,) of cells, NaN where they are none; one without a unit is one of the first unit."""
        return np.array([self._number_of(value) for value in values], dtype=np.float64)

    def write(self, numbers: NDArray[np.float64], *, least: float = -math.inf, most: float = math.inf) -> list[str]:
        """Write numbers (n_numbers,), each in the unit that suits it; "" for NaN.

        Of a number between `least` and `most` so many decimals are written that what is read again is between them.
        """
        return ["" if math.isnan(number) else self._text_of(number, least, most) for number in numbers.tolist()]

    def _number_of(self, value: object) -> float:
        if not isinstance(value, str):
            return number_of(value)
        text = with_plain_minus(value)
        for each, scale in (*self._ways, (self._bare, 1.0)):
            number = each.read(text)
            if not math.isnan(number):
                return number if scale == 1 else float(f"{number * scale:.12g}")  # 2.3 kg are 2300 g
        return number_of(text) if "e" in text.casefold() else np.nan  # 1e-05

    def _text_of(self, number: float, least: float, most: float) -> str:
        each, scale = self._way_of(abs(number))
        text = each.write(number / scale)
        for decimals in range(each.decimals + 1, FINEST_DECIMALS):
            if not least <= number <= most or least <= self._number_of(text) <= most:
                break
            text = each.write(number / scale, decimals)
        return text

    def _way_of(self, size: float) -> tuple[NumberFormat, float]:
        """The format for a number of this size: the first, unless the number is small or great and another suits it."""
        first, unit = self._ways[0]
        if len(self._ways) == 1 or size == 0 or unit <= size < UNGROUPED * unit:
            return first, unit
        reached = [way for way in self._ways if size >= way[1]]
        each, scale = max(reached, key=_scale_of_way) if reached else min(self._ways, key=_scale_of_way)
        is_lost = abs(round(size / scale, each.decimals) * scale - size) > MOST_LOST * size
        return (first, unit) if scale > unit and is_lost else (each, scale)


def find_number_formats(
    texts: NDArray[np.object_], counts: NDArray[np.int64], *, least_share: float
) -> tuple[str, ...]:
    """Find how a column writes its quantities.

    Parameters
    ----------
    texts : ndarray of shape (n_texts,), object
        Distinct quantities, and plain numbers among them.
    counts : ndarray of shape (n_texts,), int64
        How often each stands there.
    least_share : float in [0, 1]
        Share of them that the formats must be able to read.

    Returns
    -------
    tuple of str
        An example of each format, the commonest first; () where quantities are of units that cannot be compared, or
        take more than six decimals.

    Examples
    --------
    >>> find_number_formats(np.array(["340 g", "1.1 kg", "80 g", "2 KG"]), np.array([1, 1, 1, 1]), least_share=1)
    ('1234 g', '1234.5 kg')
    >>> find_number_formats(np.array(["1.099,00 €", "5,49€"]), np.array([1, 2]), least_share=1)
    ('1.234,00€',)
    """
    table = _parted(texts, counts)
    weights = table.groupby("unit", sort=False)["n"].sum().sort_values(ascending=False, kind="stable")
    weights = weights[weights >= LEAST_OF_A_UNIT * weights.sum()]
    first = next((unit for unit in weights.index if unit), "")  # a number without a unit is mostly one of this, too
    units = [unit for unit in weights.index if scale_of(unit, first) is not None]
    thousands, mark = _separators(table.loc[table["unit"].isin([*units, ""]), "number"].tolist())
    formats = tuple(_example_of(table[table["unit"] == unit], thousands, mark) for unit in units)
    try:
        found = QuantityFormat.of(formats)
    except ValueError:  # a unit with a line break, say, or too many decimals
        return ()
    is_read = ~np.isnan(found.read(np.asarray(texts, dtype=object)))
    return formats if counts[is_read].sum() >= least_share * counts.sum() else ()


def _example_of(written: pd.DataFrame, thousands: str, mark: str) -> str:
    """How the quantities of one unit (see `_parted`) are written, with the decimals that nearly all of them need."""
    plain = NumberFormat("", "", thousands, mark)
    numbers = np.array([plain.read(text) for text in written["number"]], dtype=np.float64)
    is_read = ~np.isnan(numbers)
    counts = written["n"].to_numpy()[is_read]
    digits = [_plain_digits(text, mark) for text in written.loc[is_read, "number"]]
    padded = find_written_decimals(np.array(digits, dtype=object), counts)
    decimals = padded or fewest_decimals(numbers[is_read], counts)
    if decimals is None:
        return ""
    around = written.groupby(["before", "after"], sort=False)["n"].sum()
    before, after = around.index[int(around.to_numpy().argmax())]
    return str(replace(plain, before=before, after=after, decimals=decimals, is_padded=padded is not None))


def _parted(texts: Iterable[str], counts: NDArray[np.int64]) -> pd.DataFrame:
    """Of each quantity its `number`, what stands `before` and `after`, the word of its `unit`, and its count `n`."""
    rows = []
    for text, n in zip(texts, counts.tolist(), strict=True):
        plain = with_plain_minus(text)
        found = _PARTS.fullmatch(plain)
        if found is None or ("e" in plain.casefold() and not math.isnan(number_of(plain))):
            continue
        before, after = re.sub("[+-]", "", found["before"]), found["after"]
        rows.append((before, found["number"], after, word_of(before.strip() + after.strip()), n))
    return pd.DataFrame(rows, columns=["before", "number", "after", "unit", "n"])


def _separators(numbers: list[str]) -> tuple[str, str]:
    """What stands between thousands, and before decimals, in most of some numbers.

    What only one reading of all numbers allows is so. "1,234" may be two things, and is a thousand; so is "3.987"
    beside whole numbers that are much greater than 3.
    """
    others = [sign for sign in f"{_SPACES}{_APOSTROPHES}" if any(sign in number for number in numbers)]
    seldom = others[0] if others else ""
    ways = {mark: NumberFormat("", "", seldom, mark) for mark in ".,"}
    n_read = {mark: sum(not math.isnan(way.read(number)) for number in numbers) for mark, way in ways.items()}
    mark = max(n_read, key=lambda mark: n_read[mark])
    if n_read["."] == n_read[","] and not seldom:
        before_point = [float(number.partition(".")[0] or 0) for number in numbers if "." in number]
        whole = [float(number) for number in numbers if number.isdecimal()]
        is_thousand = before_point and whole and np.median(whole) >= TIMES_GREATER * np.median(before_point)
        mark = "," if is_thousand else "."
    parting = seldom or ("." if mark == "," else ",")
    n_parted = sum(parting in number for number in numbers)
    n_not = sum(len(number.partition(mark)[0]) > 3 and parting not in number for number in numbers)  # noqa: PLR2004
    return (parting if n_parted > n_not else ""), mark

"""Quantities: numbers written with a unit or in a format, such as "1.37kg", "$4.99" and "1.099,00 €".

How a column writes its quantities is told by examples of the number 1234: "1,234.56 kg" has a comma between thousands
and at most two decimals; "$1,234.00" always has two.
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

from gain_impute.schema.number_text import MOST_WRITTEN_DECIMALS, fewest_decimals, find_written_decimals
from gain_impute.schema.reading import number_of
from gain_impute.schema.units import GAP, SPACES, scale_of, with_plain_minus, word_of

__all__ = ["NumberFormat", "QuantityFormat", "find_number_formats"]

LEAST_OF_A_UNIT = 0.01
"""Share of a column's quantities from which a unit is one of its own, and not a slip."""
LEAST_JOINED = 1 / 3
"""Of the least number with a point, read as thousands: whole numbers reach so far where "3.987" beside "950" is one."""
EXAMPLE = 1234
UNGROUPED = 1000
"""A number from here on is written in the next greater unit, where the column has one: 1.37 kg, and not 1,370 g."""
MOST_LOST = 0.01
"""Share of a number that may be lost by a change of units, for want of decimals: 1,490 g are not 1 kg."""

_DECIMALS = "567891"  # of an example: how many are needed at most
_APOSTROPHES = "'\u2019"
_THOUSANDS = f",.{_APOSTROPHES}{SPACES}"
_EXAMPLE = re.compile(
    rf"(?P<before>[^\d+-]*)1(?P<thousands>[{_THOUSANDS}]?)234(?:(?P<mark>[.,])(?P<decimals>\d+))?(?P<after>(?![.,]?\d).*)"
)
_ENDS_AS_WORD = re.compile(r"[^\W\d_]\.?\s+$")  # "EUR -5", but "-$5"
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
        if found is None or found["thousands"] == found["mark"] or _LOOSE_DIGIT.search(found["after"]):
            return None
        decimals = found["decimals"] or ""
        is_padded = decimals != "" and not decimals.strip("0")
        if len(decimals) > MOST_WRITTEN_DECIMALS or not (is_padded or _DECIMALS.startswith(decimals)):
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
        before = f"{self.before}{sign}" if _ENDS_AS_WORD.search(self.before) else f"{sign}{self.before}"
        return f"{before}{digits}{self.after}"

    def read(self, text: str) -> float:
        """Read a number; NaN where it is none, of another unit, or infinite.

        Blanks, the case of units of several letters, their plural and side do not matter, nor whether thousands are
        parted.
        """
        found = _pattern_of(self.thousands, self.mark).fullmatch(text)
        if found is None or (found["sign"] and found["inner"]):
            return np.nan
        if not _is_unit(found["before"].strip() + found["after"].strip(), self.unit):
            return np.nan
        number = float(_plain_digits(found["number"], self.mark))
        if math.isinf(number):
            return np.nan
        return -number if "-" in {found["sign"], found["inner"]} else number


def _plain_digits(number: str, mark: str) -> str:
    """A number without what stands between thousands, and with a point."""
    return "".join("." if sign == mark else sign for sign in number if sign.isdigit() or sign == mark)


@functools.lru_cache(maxsize=4096)
def _is_unit(text: str, unit: str) -> bool:
    """Whether what stands around a number is a way to write a unit; a single letter is one only as it is."""
    return text == unit or (not (_is_letter(text) or _is_letter(unit)) and scale_of(text, unit) == 1)


def _is_letter(unit: str) -> bool:
    return len(unit) == 1 and unit.isascii() and unit.isalpha()


@functools.lru_cache(maxsize=64)
def _pattern_of(thousands: str, mark: str) -> re.Pattern[str]:
    """What a number looks like, with a unit on either side, in a text without blanks around."""
    if thousands in {"", ",", "."}:
        parting = r"\." if mark == "," else ","
    else:
        parting = f"[{SPACES if thousands in SPACES else _APOSTROPHES}]"
    size = "{2,3}" if parting == "," else "{3}"  # 12,34,567 in India
    whole = rf"[1-9]\d{{0,2}}(?:{parting}\d{size})*{parting}\d{{3}}|\d+"
    number = rf"(?P<number>(?:{whole})(?:{re.escape(mark)}\d+)?|(?<![^\W\d_]){re.escape(mark)}\d+)"  # not "Rs.5"
    return re.compile(
        rf"(?P<sign>[+-]?)(?P<before>[^\d+-]*?)(?P<inner>[+-]?){GAP}{number}(?P<after>(?!\d).*)", re.DOTALL
    )


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
    >>> weight.write(np.array([340.4, 1370.0, 1371.0])), weight.grid
    (['340 g', '1.37 kg', '1371 g'], 1.0)
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
        if any(not EXAMPLE <= each.read(str(each)) < EXAMPLE + 1 for each in formats):
            raise ValueError("such that they can be read again; the unit has signs that cannot")
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
        """Write numbers (n_numbers,), each in the unit that suits it, or says it more exactly; "" for NaN.

        Of a number between `least` and `most` so many decimals are written that what is read again is between them.
        """
        return ["" if math.isnan(number) else self._text_of(number, least, most) for number in numbers.tolist()]

    def settle(self, numbers: NDArray[np.float64], least: float, most: float) -> NDArray[np.float64]:
        """Round numbers (n_numbers,) to what the unit that suits each can say, where that is between two bounds."""
        settled = np.array([self._rounded(number, *self._way_of(abs(number))) for number in numbers.tolist()])
        return np.where((least <= settled) & (settled <= most), settled, numbers)

    def _number_of(self, value: object) -> float:
        if not isinstance(value, str):
            return number_of(value)
        text = with_plain_minus(value)
        for each, scale in (*self._ways, (self._bare, 1.0)):
            number = each.read(text)
            if not math.isnan(number):
                return _converted(number, scale)
        is_plain = self._bare.mark == "." or "e" in text.casefold()
        return number_of(text) if is_plain else np.nan  # 1e-05, and "5."

    def _text_of(self, number: float, least: float, most: float) -> str:
        each, scale = self._way_of(abs(number), most_lost=1e-9)
        text = each.write(number / scale)
        for decimals in range(each.decimals + 1, MOST_WRITTEN_DECIMALS + 1):
            if not least <= number <= most or least <= self._number_of(text) <= most:
                break
            text = each.write(number / scale, decimals)
        return text

    def _way_of(self, size: float, *, most_lost: float = MOST_LOST) -> tuple[NumberFormat, float]:
        """The format for a number of this size: the first, unless the number is small or great and another suits it.

        Where that would lose too much of the number it is the one that loses least.
        """
        first, unit = self._ways[0]
        if len(self._ways) == 1 or size == 0:
            return first, unit
        suiting = first, unit
        if not unit <= size < UNGROUPED * unit:
            reached = [way for way in self._ways if size >= way[1]]
            suiting = max(reached, key=_scale_of_way) if reached else min(self._ways, key=_scale_of_way)

        def lost(way: tuple[NumberFormat, float]) -> float:
            return abs(self._rounded(size, *way) - size)

        return suiting if lost(suiting) <= most_lost * size else min(self._ways, key=lost)

    @staticmethod
    def _rounded(number: float, each: NumberFormat, scale: float) -> float:
        return _converted(round(number / scale, each.decimals), scale)


def _converted(number: float, scale: float) -> float:
    """A number in another unit, without the digits that only the conversion brings: 2.3 kg are 2300 g."""
    return number if scale == 1 else float(f"{number * scale:.12g}")


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
    least_share : float
        Share of them that the formats must be able to read; above 1 none are.

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
    table = _with_common_spellings(_parted(texts, counts))
    weights = table.groupby("unit", sort=False)["n"].sum().sort_values(ascending=False, kind="stable")
    weights = weights[weights >= LEAST_OF_A_UNIT * weights.sum()]
    first = next((unit for unit in weights.index if unit), "")  # a number without a unit is mostly one of this, too
    units = [unit for unit in weights.index if scale_of(unit, first) is not None]
    thousands, mark = _separators(table[table["unit"].isin([*units, ""])])
    formats = [_example_of(table[table["unit"] == unit], thousands, mark) for unit in units]
    told = tuple(example for example in formats if example is not None)
    try:
        found = QuantityFormat.of(told)
    except ValueError:  # none, or a unit that no example can tell
        return ()
    is_read = ~np.isnan(found.read(np.asarray(texts, dtype=object)))
    return told if counts[is_read].sum() >= least_share * counts.sum() else ()


def _with_common_spellings(written: pd.DataFrame) -> pd.DataFrame:
    """The same quantities (see `_parted`), each unit by its commonest spelling in the column."""
    weights = written.groupby("unit", sort=False)["n"].sum().sort_values(ascending=False, kind="stable")
    spelt = {unit: next(other for other in weights.index if scale_of(unit, other) == 1) for unit in weights.index}
    return written.assign(unit=written["unit"].map(spelt))


def _example_of(written: pd.DataFrame, thousands: str, mark: str) -> str | None:
    """How the quantities of one unit (see `_parted`) are written; None where they need too many decimals."""
    plain = NumberFormat("", "", thousands, mark)
    numbers = np.array([plain.read(text) for text in written["number"]], dtype=np.float64)
    is_read = ~np.isnan(numbers)
    counts = written["n"].to_numpy()[is_read]
    digits = [_plain_digits(text, mark) for text in written.loc[is_read, "number"]]
    padded = find_written_decimals(np.array(digits, dtype=object), counts)
    decimals = padded or fewest_decimals(numbers[is_read], counts)
    if decimals is None:
        return None
    around = written.groupby(["before", "after"], sort=False)["n"].sum()
    before, after = around.index[int(around.to_numpy().argmax())]
    return str(replace(plain, before=before, after=after, decimals=decimals, is_padded=padded is not None))


def _parted(texts: Iterable[str], counts: NDArray[np.int64]) -> pd.DataFrame:
    """Of each quantity its `number`, what stands `before` and `after`, the word of its `unit`, and its count `n`."""
    rows = []
    for text, n in zip(texts, counts.tolist(), strict=True):
        plain = with_plain_minus(text)
        found = _PARTS.fullmatch(plain)
        if not math.isnan(number_of(plain)):
            if "e" not in plain.casefold():
                rows.append(("", plain.strip("+-").removesuffix("."), "", "", n))
        elif found is not None:
            before, after = re.sub("[+-]", "", found["before"]), found["after"]
            rows.append((before, found["number"], after, word_of(before.strip() + after.strip()), n))
    return pd.DataFrame(rows, columns=["before", "number", "after", "unit", "n"])


def _separators(written: pd.DataFrame) -> tuple[str, str]:
    """What stands between thousands, and before decimals, in most of some quantities (see `_parted`).

    What only one reading of most of them allows is so. "1,234" may be two things, and is a thousand; so is "3.987"
    where whole numbers of the same unit reach up to it.
    """
    numbers, n = written["number"], written["n"].to_numpy()
    cells = {sign: n[numbers.str.contains(sign, regex=False)].sum() for sign in f"{SPACES}{_APOSTROPHES}"}
    commonest = max(cells, key=lambda sign: cells[sign])
    seldom = commonest if cells[commonest] >= LEAST_OF_A_UNIT * n.sum() else ""
    n_read = {mark: n[_is_read(numbers, NumberFormat("", "", seldom, mark))].sum() for mark in ".,"}
    mark = max(n_read, key=lambda mark: n_read[mark])
    if n_read["."] == n_read[","] and not seldom:
        mark = "," if any(_are_thousands(of_unit) for _, of_unit in written.groupby("unit")) else "."
    parting = seldom or ("." if mark == "," else ",")
    has_parting = numbers.str.contains(parting, regex=False)
    n_not = n[(numbers.str.partition(mark)[0].str.len() > 3) & ~has_parting].sum()  # noqa: PLR2004
    return (parting if n[has_parting].sum() > n_not else ""), mark


def _is_read(numbers: pd.Series, way: NumberFormat) -> NDArray[np.bool_]:
    return np.array([not math.isnan(way.read(number)) for number in numbers], dtype=bool)


def _are_thousands(written: pd.DataFrame) -> bool:
    """Whether numbers of one unit such as "3.987" go on where whole ones beside them end."""
    has_point = written["number"].str.fullmatch(r"\d*\.\d+")
    is_whole = written["number"].str.isdecimal()
    is_seldom = written.loc[is_whole, "n"].sum() < LEAST_OF_A_UNIT * written["n"].sum()
    if is_seldom or not has_point.any() or not is_whole.any():
        return False
    least = written.loc[has_point, "number"].str.partition(".")[0].replace("", "0").astype(float).min() * UNGROUPED
    return bool(written.loc[is_whole, "number"].astype(float).max() >= LEAST_JOINED * least > 0)

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
from gain_impute.schema.units import scale_of

__all__ = ["NumberFormat", "QuantityFormat", "find_number_formats"]

LEAST_OF_A_UNIT = 0.01
"""Share of a column's quantities from which a unit is one of its own, and not a slip."""
FINEST_DECIMALS = 10
UNGROUPED = 1000
"""A number from here on is written in the next greater unit, where the column has one: 1.37 kg, and not 1,370 g."""

_SEPARATORS = (("", "."), (",", "."), ("'", "."), ("", ","), (".", ","))  # "1,234" is more likely a thousand
_DECIMALS = "56789"  # of an example: how many are needed at most
_MOST_DECIMALS = 15
_THOUSANDS = ",.' \u00a0\u202f"
_EXAMPLE = re.compile(
    rf"(?P<before>\D*?)1(?P<thousands>[{_THOUSANDS}]?)234(?:(?P<mark>[.,])(?P<decimals>\d+))?(?P<after>(?![.,]?\d).*)"
)
_PARTS = re.compile(
    rf"\s*(?P<before>\D*?)(?P<number>\d(?:[\d{_THOUSANDS}]*\d)?|(?<!\S)[.,]\d+)(?P<after>(?!\d).*?)\s*", re.DOTALL
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
        found = _EXAMPLE.fullmatch(example)
        decimals = (found and found["decimals"]) or ""
        is_padded = decimals != "" and not decimals.strip("0")
        is_known = is_padded or _DECIMALS.startswith(decimals)
        if found is None or not is_known or len(decimals) > _MOST_DECIMALS or found["thousands"] == found["mark"]:
            return None
        mark = found["mark"] or ("." if found["thousands"] in {"", ",", "'"} else ",")
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

    def pattern(self, *, with_unit: bool) -> re.Pattern[str]:
        """What a number in this format looks like, blanks and the case of longer units aside."""
        thousands, mark = re.escape(self.thousands), re.escape(self.mark)
        whole = rf"[1-9]\d{{0,2}}(?:{thousands}\d{{3}})+|\d+" if self.thousands else r"\d+"
        number = rf"(?P<number>(?:{whole})(?:{mark}\d+)?|{mark}\d+)"
        before, after = (_unit_pattern(text) if with_unit else "" for text in (self.before, self.after))
        return re.compile(rf"\s*(?P<sign>[+-]?)\s*{before}\s*(?P<inner>[+-]?)\s*{number}\s*{after}\s*")

    def number_of(self, found: re.Match[str]) -> float:
        """The number in a text that `pattern` matches."""
        digits = found["number"]
        if self.thousands:
            digits = digits.replace(self.thousands, "")
        number = float(digits.replace(self.mark, "."))
        return -number if "-" in {found["sign"], found["inner"]} else number


_scale_of_way = operator.itemgetter(1)


class QuantityFormat:
    """The ways in which a column writes its quantities; numbers count in the unit of the first.

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
        scales = [scale_of(each.unit, formats[0].unit) or 1.0 for each in formats]
        self._ways = [(each, scale, each.pattern(with_unit=True)) for each, scale in zip(formats, scales, strict=True)]
        self._bare = (formats[0], scale_of("", formats[0].unit) or 1.0, formats[0].pattern(with_unit=False))

    @staticmethod
    @functools.lru_cache(maxsize=256)
    def of(examples: tuple[str, ...]) -> QuantityFormat:
        """Make it of examples; a ValueError says what they must be."""
        formats = [found for found in map(NumberFormat.of, examples) if found is not None]
        if len(formats) < len(examples) or not examples:
            raise ValueError("examples, such as '1234.5 kg' or '$1,234.00', each of the number 1234")
        scales = [scale_of(each.unit, formats[0].unit) for each in formats]
        if len(scales) > 1 and None in scales:
            raise ValueError("of known units of one dimension, such as '1234 g' and '1234.5 kg'")
        return QuantityFormat(formats)

    @property
    def grid(self) -> float:
        """Step of the numbers of a column of one unit; of several the first's, 0 where another's is no part of it."""
        steps = [scale * 10.0**-each.decimals for each, scale, _ in self._ways]
        least = min(steps)
        ratios = [*(step / least for step in steps), *([1 / least] if least < 1 else [])]
        return least if all(math.isclose(ratio, round(ratio), rel_tol=1e-9) for ratio in ratios) else 0.0

    def read(self, values: NDArray[np.object_]) -> NDArray[np.float64]:
        """Numbers (n_values,) of cells, NaN where they are none; a number without a unit is one of the first unit."""
        return np.array([self._number_of(value) for value in values], dtype=np.float64)

    def write(self, numbers: NDArray[np.float64], *, least: float = -math.inf, most: float = math.inf) -> list[str]:
        """Write numbers (n_numbers,), each in the unit that suits it; "" for NaN.

        Of a number between `least` and `most` so many decimals are written that what is read again is between them.
        """
        return ["" if math.isnan(number) else self._text_of(number, least, most) for number in numbers.tolist()]

    def _number_of(self, value: object) -> float:
        if not isinstance(value, str):
            return number_of(value)
        for each, scale, pattern in (*self._ways, self._bare):
            if found := pattern.fullmatch(value):
                number = each.number_of(found)
                number = number if scale == 1 else float(f"{number * scale:.12g}")  # 2.3 kg are 2300 g
                return number if math.isfinite(number) else np.nan
        return np.nan

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
        first, _, _ = self._ways[0]
        if len(self._ways) == 1 or size == 0 or 1 <= size < UNGROUPED:
            return first, 1.0
        reached = [way for way in self._ways if size >= way[1]]
        each, scale, _ = max(reached, key=_scale_of_way) if reached else min(self._ways, key=_scale_of_way)
        return each, scale


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
        An example of each format, the commonest first; () where quantities are of units that cannot be compared.

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
    groups = [table[table["unit"] == unit] for unit in units]
    formats = tuple(_example_of(group, thousands, mark) for group in groups if len(group))
    if not formats or not all(map(NumberFormat.of, formats)):  # a unit with digits before the number, or a line break
        return ()
    is_read = ~np.isnan(QuantityFormat.of(formats).read(np.asarray(texts, dtype=object)))
    return formats if counts[is_read].sum() >= least_share * counts.sum() else ()


def _example_of(written: pd.DataFrame, thousands: str, mark: str) -> str:
    """How the quantities of one unit (see `_parted`) are written, with the decimals that nearly all of them need."""
    plain = NumberFormat("", "", thousands, mark)
    numbers = QuantityFormat([plain]).read(written["number"].to_numpy(dtype=object))
    is_read = ~np.isnan(numbers)
    counts = written["n"].to_numpy()[is_read]
    digits = [text.replace(thousands, "").replace(mark, ".") for text in written.loc[is_read, "number"]]
    padded = find_written_decimals(np.array(digits, dtype=object), counts)
    needed = fewest_decimals(numbers[is_read], counts)
    decimals = padded or (len(_DECIMALS) if needed is None else min(needed, len(_DECIMALS)))
    around = written.groupby(["before", "after"], sort=False)["n"].sum()
    before, after = around.index[int(around.to_numpy().argmax())]
    return str(replace(plain, before=before, after=after, decimals=decimals, is_padded=padded is not None))


def _unit_pattern(text: str) -> str:
    """What stands around a number, as a pattern: one letter as it is, more in any case, words in any number."""
    unit = text.strip()
    if len(unit) < 2:  # noqa: PLR2004
        return re.escape(unit)
    return f"(?i:{re.escape(unit.removesuffix('s'))}s?)" if unit.isalpha() else f"(?i:{re.escape(unit)})"


def _parted(texts: Iterable[str], counts: NDArray[np.int64]) -> pd.DataFrame:
    """Of each quantity its `number`, what stands `before` and `after`, its `unit` in one case, and its count `n`."""
    rows = []
    for text, n in zip(texts, counts.tolist(), strict=True):
        found = _PARTS.fullmatch(text)
        if found is None:
            continue
        before, after = re.sub("[+-]", "", found["before"]), found["after"]
        unit = before.strip() + after.strip()
        rows.append((before, found["number"], after, unit.casefold() if len(unit) > 1 else unit, n))
    return pd.DataFrame(rows, columns=["before", "number", "after", "unit", "n"])


def _separators(numbers: list[str]) -> tuple[str, str]:
    """What stands between thousands, and before decimals: the first pair by which most of some numbers can be read."""
    spaces = [sign for sign in " \u00a0\u202f" if any(sign in number for number in numbers)]
    pairs = [*_SEPARATORS, *((space, mark) for space in spaces for mark in ",.")]
    patterns = [NumberFormat("", "", thousands, mark).pattern(with_unit=False) for thousands, mark in pairs]
    n_read = [sum(pattern.fullmatch(number) is not None for number in numbers) for pattern in patterns]
    return pairs[int(np.argmax(n_read))]

"""Units: which texts are a number with one, and how many of one are in another."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

__all__ = [
    "GAP",
    "SPACES",
    "has_common_unit",
    "is_grouped",
    "is_magnitude",
    "is_quantity",
    "may_be_code",
    "scale_of",
    "with_plain_minus",
    "word_of",
]

MOST_COMMON_UNITS = 3
LONGEST_SYMBOL = 2
"""Letters of a unit that has no plural."""
LEAST_NUMBERS_OF_UNIT = 10
"""Distinct texts from which a word that follows all their numbers is a unit, known or not."""

SPACES = " \u00a0\u2009\u202f"
"""What stands between thousands as a blank."""
GAP = r"\s{0,3}"
"""Blanks beside a number, as a pattern: bounded, for a scraped cell may hold hundreds."""

_INCHES = ("in", "inch", "inche", '"', "''", "\u2033", "\u201d", "英寸")
_DIMENSIONS: tuple[Mapping[str, float], ...] = (
    dict.fromkeys(("\u03bcg", "mcg"), 1e-6)
    | dict.fromkeys(("mg", "milligram", "毫克"), 1e-3)
    | dict.fromkeys(("g", "gm", "gram", "克"), 1.0)
    | dict.fromkeys(("kg", "kilogram", "千克", "公斤"), 1e3)
    | dict.fromkeys(("t", "tonne", "吨"), 1e6)
    | dict.fromkeys(("oz", "ounce"), 28.349523125)
    | dict.fromkeys(("lb", "pound"), 453.59237)
    | {"carat": 0.2, "两": 50.0, "斤": 500.0},
    {"nm": 1e-9, "\u03bcm": 1e-6, **dict.fromkeys(_INCHES, 0.0254)}
    | dict.fromkeys(("mm", "millimeter", "millimetre", "毫米"), 1e-3)
    | dict.fromkeys(("cm", "centimeter", "centimetre", "厘米"), 1e-2)
    | dict.fromkeys(("m", "meter", "metre", "米"), 1.0)
    | dict.fromkeys(("km", "kilometer", "kilometre", "千米"), 1e3)
    | dict.fromkeys(("ft", "feet", "foot"), 0.3048)
    | dict.fromkeys(("yd", "yard"), 0.9144)
    | {"mile": 1609.344},
    dict.fromkeys(("ml", "milliliter", "millilitre", "cc", "毫升"), 1e-3)
    | dict.fromkeys(("cl", "centiliter", "centilitre"), 1e-2)
    | dict.fromkeys(("l", "L", "ltr", "liter", "litre", "升"), 1.0)
    | dict.fromkeys(("gal", "gallon"), 3.785411784)
    | {"dl": 0.1, "fl oz": 0.0295735295625, "fl. oz": 0.0295735295625},
    {"ms": 1e-3, "week": 604800.0}
    | dict.fromkeys(("s", "sec", "second", "秒"), 1.0)
    | dict.fromkeys(("min", "minute", "分钟"), 60.0)
    | dict.fromkeys(("h", "hr", "hour", "小时"), 3600.0)
    | dict.fromkeys(("day", "天"), 86400.0),
    dict.fromkeys(("month", "个月", "月"), 1.0) | dict.fromkeys(("year", "yr", "年"), 12.0),
    {f"{prefix}{i}b": 1024.0**power for power, prefix in enumerate("kmgtp") for i in ("", "i")},
    {f"{prefix}bps": 1e3**power for power, prefix in enumerate("kmgt")},
    {"hz": 1.0, "khz": 1e3, "mhz": 1e6, "ghz": 1e9},
    {"W": 1.0, "watt": 1.0, "kw": 1e3},
    {"wh": 1.0, "kwh": 1e3},
    {"mah": 1.0, "ah": 1e3},
    dict.fromkeys(("m²", "m2"), 1.0),
    dict.fromkeys(("°c", "℃"), 1.0),
    {"": 1.0, "k": 1e3, "K": 1e3, "万": 1e4, "M": 1e6, "亿": 1e8},
)
"""Units of one dimension, and how much of one is in each. Bytes count by 1024, as memory does."""
_CURRENCIES: tuple[Mapping[str, float], ...] = tuple(
    dict.fromkeys(spellings, 1.0)
    for spellings in (
        ("$", "us$", "us $", "usd", "usd$", "usd $", "$usd"),
        ("€", "eur", "euro"),
        ("£", "gbp"),
        ("₹", "rs", "inr"),
        ("¥", "￥", "元", "cny", "rmb"),
        ("₽", "rub", "руб"),  # noqa: RUF001
        ("₺", "tl", "try"),
        ("zł", "pln"),
    )
)
"""Spellings of one currency: "$" is one of the United States where it stands beside their other ones."""


_GROUPS = rf"(?:,\d{{3}})+(?:\.\d+)?|(?:\.\d{{3}})+(?:,\d+)?|(?:['\u2019{SPACES}]\d{{3}})+(?:[.,]\d+)?"
_NUMBER = rf"[+-]?(?:\d+(?:[.,]\d+)?|[.,]\d+|\d{{1,3}}(?:{_GROUPS})|\d{{1,2}}(?:,\d{{2}})+,\d{{3}}(?:\.\d+)?)"
_CODES = (
    "USD|EUR|GBP|CHF|INR|CNY|RMB|JPY|AUD|CAD|NZD|HKD|SGD|TWD|KRW|AED|SAR|QAR|KWD|OMR|BHD|EGP|ILS|TRY|RUB|UAH|SEK|NOK|DKK"
    "|PLN|CZK|HUF|RON|RSD|BGN|BRL|MXN|ARS|CLP|COP|PEN|ZAR|NGN|KES|GHS|MAD|PKR|BDT|LKR|THB|IDR|MYR|PHP|VND|KZT|GEL"
)
_CURRENCY = (
    rf"(?:(?:(?:US|A|AU|C|CA|S|R|HK|NZ|NT|MX|{_CODES})\s?)?\$|[€£¥￥₹₽₩₺₸฿₪₱₦₫₴元円원]|SR|kr\.?|zł|Kč|лв\.?|руб\.?"  # noqa: RUF001
    rf"|TL|[Ll]ei|[Ee]uros?|EURO|Fr\.|Rp\.?|RM|Rs\.?|S/\.?|K[Ss]h\.?|{_CODES})"
)
_NO_HYPHEN = r"(?!(?<=[A-Za-z])[+-])"  # "TRY-107" is a code, "EUR -4.99" and "$-4.99" are money
# One letter counts only in the case in which it is a unit; longer units in any case, with the plural's s.
_LETTER_UNIT = r"[kKMBgmlLWVshxt%\"'\u2032\u2033\u201d+°℃]|''"
_UNRELATED = (
    "ct qt pt bit byte b mp mpx mpix megapixel px pixel dpi ppi fps rpm nit lm lumen mw volt hp ps db bar psi pa kpa "
    "pc pcs piece pack st stk percent pct kcal cal kj °f sqft m³ m3 mm² denier gsm g/m² "
    "个 件 片 支 瓶 盒 包 袋 套 人 元 寸"
)
"""Units that are known, and compared with no other."""
_RELATED = {word for units in _DIMENSIONS for word in units if len(word) > 1 or not word.isascii()}
_WORDS = sorted({*_RELATED, *_UNRELATED.split(), "sq ft", "sq. ft", "k"})
_WORD_UNIT = rf"(?i:(?:{'|'.join(map(re.escape, reversed(_WORDS)))})s?\.?)"
_GROUPED = re.compile(
    r"[+-]?[1-9]\d{0,2}(?:(?:,\d{3})+(?:\.\d+)?|(?:\.\d{3})+,\d+"
    rf"|(?:['\u2019{SPACES}]\d{{3}})+[.,]\d+)"
)
_QUANTITY = re.compile(
    rf"[<>~≈]?{GAP}(?:[+-]?{_CURRENCY}{_NO_HYPHEN}{GAP}{_NUMBER}(?:/-|[,.:]-|{GAP}(?:{_CODES}))?"
    rf"|{_NUMBER}{GAP}(?:{_LETTER_UNIT}|{_WORD_UNIT}|{_CURRENCY})\+?)"
    rf"|[+-]?\d+,\d+|{_GROUPED.pattern}"
)
_MAGNITUDE = re.compile(rf"{_NUMBER}{GAP}[万亿]|\d+[.,]\d[kKM]")
_MAY_BE_CODE = re.compile(r"[A-Z]{2,4}[\s-]?\d+")
_NUMBER_AND_WORD = re.compile(rf"{_NUMBER}{GAP}(?P<unit>[^\W\d_]{{2,12}}(?:\s?/\s?[^\W\d_]{{1,8}})?)\.?")


def with_plain_minus(text: str) -> str:
    """Take the blanks around a text away, and write a minus as keyboards do.

    Examples
    --------
    >>> with_plain_minus(" −5 °C")
    '-5 °C'
    """
    return text.strip().replace("\u2212", "-")


def is_quantity(text: str) -> bool:
    """Whether a text is a number with a unit, or a number in a format such as "10,000" or "339,69".

    Examples
    --------
    >>> [is_quantity(text) for text in ("1.37kg", "10,000+", "-$4.99", '13.3"', "339,69", "50 %")]
    [True, True, True, True, True, True]
    >>> [is_quantity(text) for text in ("5G", "3.5", "256GB SSD", "4.4.2", "XL", "555 123 456")]
    [False, False, False, False, False, False]
    """
    return _QUANTITY.fullmatch(with_plain_minus(text)) is not None


def may_be_code(text: str) -> bool:
    """Whether a text may be money as well as a code: a few capitals and a whole number.

    Examples
    --------
    >>> [may_be_code(text) for text in ("THB107", "SR 1007", "THB 107.50", "THB 1,007", "Rs 107", "$107")]
    [True, True, False, False, False, False]
    """
    return _MAY_BE_CODE.fullmatch(text.strip()) is not None


def is_grouped(text: str) -> bool:
    """Whether a text is a number whose thousands are parted, and cannot well be anything else.

    Examples
    --------
    >>> [is_grouped(text) for text in ("10,000", "1,299.50", "1.299,50", "1 299,50", "1.299", "555 123", "38,45", "17")]
    [True, True, True, True, False, False, False, False]
    """
    return _GROUPED.fullmatch(with_plain_minus(text)) is not None


def is_magnitude(text: str) -> bool:
    """Whether a text is a number of thousands or the like, beside which plain numbers are ones.

    With a letter it must have one decimal: "12M" may be a size, "24K" gold, and "12 B" a house.

    Examples
    --------
    >>> [is_magnitude(text) for text in ("1.2k", "3.5M", "3万", "12M", "4K", "5 kg")]
    [True, True, True, False, False, False]
    """
    return _MAGNITUDE.fullmatch(with_plain_minus(text)) is not None


def has_common_unit(texts: np.ndarray) -> np.ndarray:
    """Tell which texts are a number and one of very few words that follow the numbers of a column, as units do.

    Examples
    --------
    >>> has_common_unit(np.array([f"{i} kmpl" for i in range(12)], dtype=object)).all()
    np.True_
    >>> has_common_unit(np.array(["2 doors", "4 doors"], dtype=object)).any()
    np.False_
    """
    found = [_NUMBER_AND_WORD.fullmatch(with_plain_minus(text)) for text in texts]
    is_match = np.array([match is not None for match in found], dtype=bool)
    units = {match["unit"].casefold() for match in found if match}
    is_common = len(units) <= MOST_COMMON_UNITS and is_match.sum() >= LEAST_NUMBERS_OF_UNIT
    return is_match if is_common else np.zeros(len(texts), dtype=bool)


def word_of(unit: str) -> str:
    """Bring a unit into one case and number; one letter stays as it is, for m is a metre and M a million.

    Examples
    --------
    >>> [word_of(unit) for unit in ("KGs.", "Inches", "M", "Mbps", "ms")]
    ['kg', 'inche', 'M', 'mbps', 'ms']
    """
    if len(unit) == 1:
        return unit
    word = unit.casefold().removesuffix(".")
    is_plural = word.endswith("s") and len(word) > LONGEST_SYMBOL and not any(word in units for units in _DIMENSIONS)
    return word[:-1] if is_plural else word


def scale_of(unit: str, other: str) -> float | None:
    """How many of another unit one unit is; None where they are not known to be of one dimension.

    Examples
    --------
    >>> scale_of("kg", "g"), scale_of("Inches", "cm"), scale_of("pieces", "piece"), scale_of("kg", "ml")
    (1000.0, 2.54, 1.0, None)
    """
    unit, other = word_of(unit), word_of(other)
    if unit == other:
        return 1.0
    for units in (*_DIMENSIONS, *_CURRENCIES):
        here, there = units.get(unit), units.get(other)
        if here is not None and there is not None:
            return float(f"{here / there:.12g}")  # .0254 / .01 is 2.54
    return None

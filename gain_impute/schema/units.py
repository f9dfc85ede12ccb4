"""Units: which texts are a number with one, and how many of one are in another."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

__all__ = ["has_common_unit", "is_count", "is_quantity", "scale_of"]

MOST_COMMON_UNITS = 3
LONGEST_SYMBOL = 2
"""Letters of a unit that has no plural."""
LEAST_NUMBERS_OF_UNIT = 10
"""Distinct texts from which a word that follows all their numbers is a unit, known or not."""

_NUMBER = r"[+-]?(?:\d+(?:[.,]\d+)?|[.,]\d+|\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d{1,3}(?:[.' \u00a0\u202f]\d{3})+(?:,\d+)?)"
_CURRENCY = (
    r"(?:(?:US|A|AU|C|CA|S|R|HK|NZ)?\$|[€£¥₹₽₩元]|USD|EUR|GBP|CHF|INR|CNY|RMB|JPY|AUD|CAD|AED|SAR|SR"
    r"|SEK|NOK|DKK|kr\.?|zł|PLN|Kč|CZK|Rp|Rs\.?)"
)
# One letter counts only in the case in which it is a unit; longer units in any case, with the plural's s.
_LETTER_UNIT = r"[kKMBgmlLWVshx%\"'\u2032\u2033+°]|''"
_WORD_UNIT = (
    r"(?i:kg|mg|µg|ct|carat|lb|oz|ounce|gram|cm|mm|km|µm|nm|ft|feet|inch|inche|in|yd|yard|meter|metre|ml|cl|dl|liter|litre|gal|qt|pt"
    r"|bit|byte|[kmgtp]i?b|[kmgt]bps|[kmg]?hz|mp|mpx|mpix|megapixel|px|pixel|dpi|ppi|fps|rpm|nit|lm|lumen|mah|ah|wh|kwh|kw|mw|watt|volt|hp|ps|db"
    r"|bar|psi|pa|kpa|sec|second|min|minute|hr|hour|day|week|month|year|yr|pc|pcs|piece|pack|st|stk|k|percent|pct"
    r"|kcal|cal|kj|°c|°f|m²|m2|sqft|sq ft|m³|m3|cc|mm²|denier|gsm|g/m²)s?\.?"
)
_CHINESE_UNIT = (
    "千克|公斤|毫克|克|斤|毫升|升|厘米|毫米|千米|米|英寸|寸|年|个月|月|天|小时|分钟|秒"
    "|个|件|片|支|瓶|盒|包|袋|套|人|万|亿|元"
)
_FORMATTED = (
    r"\s*[+-]?(?:\d+,\d+|\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d{1,3}(?:\.\d{3})+,\d+"
    r"|[1-9]\d{0,2}(?:[' \u00a0\u202f]\d{3})+(?:[.,]\d+)?)\s*"
)
_QUANTITY = re.compile(
    rf"\s*[<>~≈]?\s*(?:{_CURRENCY}\s*{_NUMBER}|{_NUMBER}\s*(?:{_LETTER_UNIT}|{_WORD_UNIT}|{_CHINESE_UNIT}|{_CURRENCY})\+?)\s*"
    rf"|{_FORMATTED}"
)
_COUNT = re.compile(rf"{_FORMATTED}|\s*{_NUMBER}\s*[kKMB万亿]\s*")
_NUMBER_AND_WORD = re.compile(rf"\s*{_NUMBER}\s*(?P<unit>[^\W\d_]{{2,12}}(?:\s?/\s?[^\W\d_]{{1,8}})?)\.?\s*")

_INCHES = ("in", "inch", "inche", '"', "''", "\u2033", "英寸")
_DIMENSIONS: tuple[Mapping[str, float], ...] = (
    {"mg": 1e-3, "毫克": 1e-3, "ct": 0.2, "carat": 0.2, "g": 1.0, "gram": 1.0, "克": 1.0, "oz": 28.349523125}
    | {"ounce": 28.349523125, "lb": 453.59237, "斤": 500.0, "kg": 1e3, "千克": 1e3, "公斤": 1e3},
    {"nm": 1e-9, "\u03bcm": 1e-6, "mm": 1e-3, "毫米": 1e-3, "cm": 1e-2, "厘米": 1e-2, **dict.fromkeys(_INCHES, 0.0254)}
    | {"ft": 0.3048, "feet": 0.3048, "yd": 0.9144, "yard": 0.9144, "m": 1.0, "meter": 1.0, "metre": 1.0, "米": 1.0}
    | {"km": 1e3, "千米": 1e3},
    {"ml": 1e-3, "毫升": 1e-3, "cl": 1e-2, "dl": 0.1, "l": 1.0, "L": 1.0, "liter": 1.0, "litre": 1.0, "升": 1.0},
    {"s": 1.0, "sec": 1.0, "second": 1.0, "秒": 1.0, "min": 60.0, "minute": 60.0, "分钟": 60.0, "h": 3600.0}
    | {"hr": 3600.0, "hour": 3600.0, "小时": 3600.0, "day": 86400.0, "天": 86400.0, "week": 604800.0},
    {"month": 1.0, "个月": 1.0, "月": 1.0, "year": 12.0, "yr": 12.0, "年": 12.0},
    {
        "kb": 1.0,
        "kib": 1.0,
        "mb": 2.0**10,
        "mib": 2.0**10,
        "gb": 2.0**20,
        "gib": 2.0**20,
        "tb": 2.0**30,
        "tib": 2.0**30,
    },
    {"hz": 1.0, "khz": 1e3, "mhz": 1e6, "ghz": 1e9},
    {"kbps": 1.0, "mbps": 1e3, "gbps": 1e6},
    {"W": 1.0, "watt": 1.0, "kw": 1e3},
    {"wh": 1.0, "kwh": 1e3},
    {"mah": 1.0, "ah": 1e3},
    {"cal": 1.0, "kcal": 1e3},
    {"": 1.0, "k": 1e3, "K": 1e3, "万": 1e4, "M": 1e6, "亿": 1e8, "B": 1e9},
)
"""Units of one dimension, and how much of one is in each. Bytes count by 1024, as memory does."""


def is_quantity(text: str) -> bool:
    """Whether a text is a number with a unit, or a number in a format such as "10,000" or "339,69".

    Examples
    --------
    >>> [is_quantity(text) for text in ("1.37kg", "10,000+", "$4.99", '13.3"', "339,69", "50 %")]
    [True, True, True, True, True, True]
    >>> [is_quantity(text) for text in ("5G", "3.5", "256GB SSD", "4.4.2", "XL")]
    [False, False, False, False, False]
    """
    return _QUANTITY.fullmatch(text) is not None


def is_count(text: str) -> bool:
    """Whether a text is a number in a format, or in thousands and the like, beside which plain numbers are the same.

    Examples
    --------
    >>> [is_count(text) for text in ("10,000", "1.2k", "3万", "1 200", "5 kg", "17")]
    [True, True, True, True, False, False]
    """
    return _COUNT.fullmatch(text) is not None


def has_common_unit(texts: np.ndarray) -> np.ndarray:
    """Tell which texts are a number and one of very few words that follow the numbers of a column, as units do.

    Examples
    --------
    >>> has_common_unit(np.array([f"{i} kmpl" for i in range(12)], dtype=object)).all()
    np.True_
    >>> has_common_unit(np.array(["2 doors", "4 doors"], dtype=object)).any()
    np.False_
    """
    found = [_NUMBER_AND_WORD.fullmatch(text) for text in texts]
    is_match = np.array([match is not None for match in found], dtype=bool)
    units = {match["unit"].casefold() for match in found if match}
    is_common = len(units) <= MOST_COMMON_UNITS and is_match.sum() >= LEAST_NUMBERS_OF_UNIT
    return is_match if is_common else np.zeros(len(texts), dtype=bool)


def scale_of(unit: str, other: str) -> float | None:
    """How many of another unit one unit is; None where they are not known to be of one dimension.

    Examples
    --------
    >>> scale_of("kg", "g"), scale_of("Inch", "cm"), scale_of("pieces", "piece"), scale_of("kg", "ml")
    (1000.0, 2.54, 1.0, None)
    """
    unit, other = _word_of(unit), _word_of(other)
    if unit == other:
        return 1.0
    for units in _DIMENSIONS:
        here, there = units.get(unit), units.get(other)
        if here is not None and there is not None:
            return float(f"{here / there:.12g}")  # .0254 / .01 is 2.54
    return None


def _word_of(unit: str) -> str:
    """A unit in one case and number; one letter as it is, for m is a metre and M a million."""
    if len(unit) == 1:
        return unit
    word = unit.casefold().removesuffix(".")
    return word.removesuffix("s") if len(word) > LONGEST_SYMBOL else word

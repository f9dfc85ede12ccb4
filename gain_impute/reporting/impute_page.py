"""One page on what `gain-impute impute` did to a file."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from gain_impute.batch import FileImputation, why_left
from gain_impute.cells import CellState
from gain_impute.imputer import GAINImputer

__all__ = ["impute_page"]

LEAST_SURE = 0.5
"""Mean confidence under which a column is marked as one to look at."""


@dataclass(frozen=True)
class _Row:
    """One column of the table as the page shows it; `bars` are heights from 0 to 100, one per tenth of confidence."""

    name: str
    kind: str
    n_empty: int
    empty_share: float
    n_filled: int
    left: str
    confidence: float | None
    bars: list[int]
    is_doubtful: bool


def impute_page(
    imputer: GAINImputer,
    done: FileImputation,
    *,
    source: str | PathLike[str],
    output: str | PathLike[str],
    elapsed_s: float,
) -> str:
    """Make a page on what was filled in a file.

    Parameters
    ----------
    imputer : GAINImputer
        What filled it.
    done : FileImputation
        What was done.
    source, output : str or path
        The file that came in, and the one that went out.
    elapsed_s : float
        Seconds that all of it took.

    Returns
    -------
    str
        HTML that needs nothing but itself.
    """
    rows = [_row(str(name), counts, imputer, done.n_rows) for name, counts in done.columns.iterrows()]
    environment = Environment(
        loader=PackageLoader("gain_impute.reporting"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("impute.html").render(
        source=str(source),
        output=str(output),
        rows=rows,
        untouched=[name for name in imputer.schema_ if name not in done.columns.index],
        unreadable=[(name, imputer.schema_[name].kind, count) for name, count in done.unreadable.items()],
        n_rows=done.n_rows,
        n_empty=sum(row.n_empty for row in rows),
        n_filled=sum(row.n_filled for row in rows),
        elapsed_s=elapsed_s,
        rows_per_s=done.n_rows / elapsed_s,
        n_steps=int(imputer.history_["step"].max()) if len(imputer.history_) else 0,
        model_id=imputer.state_.model_id(),
        least_sure=LEAST_SURE,
    )


def _row(name: str, counts: pd.Series, imputer: GAINImputer, n_rows: int) -> _Row:
    """One column of the page's table."""
    tallest = max(int(counts["histogram"].max()), 1)
    confidence = None if pd.isna(counts["confidence"]) else float(counts["confidence"])
    return _Row(
        name=name,
        kind=str(imputer.schema_[name].kind),
        n_empty=int(counts["empty"]),
        empty_share=counts["empty"] / max(n_rows, 1),
        n_filled=int(counts[CellState.IMPUTED]),
        left=why_left(imputer, name, counts),
        confidence=confidence,
        bars=[round(100 * int(n) / tallest) for n in counts["histogram"]] if confidence is not None else [],
        is_doubtful=confidence is not None and confidence < LEAST_SURE,
    )

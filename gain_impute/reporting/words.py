"""What the words of a report mean."""

from __future__ import annotations

from gain_impute.reporting.document import Section

__all__ = ["explain_words"]

WORDS = {
    "Error": "Root of the mean squared error of the filled numbers, divided by the standard deviation of the column: 0 "
    "is perfect, 1 is as good as filling in the mean. Of a table the mean over its numeric columns.",
    "R²": "1 less the mean squared error / the variance of the hidden cells: 1 is perfect, 0 is as good as their own "
    "mean. Of a column whose hidden cells hardly vary it can be far below 0.",
    "Accuracy": "Share of the hidden categories filled right; of a table the mean over its categorical columns.",
    "In sample": "Scored on cells hidden in the rows that the method learned from; out of sample on cells hidden in "
    "rows it had never seen.",
    "Interval": "95 % t interval; its units are groups of rows, averaged over seeds, for a column, tables for means "
    "and ranks.",
    "mcar": "Cells are hidden by pure chance.",
    "mar": "Which cells are hidden depends on other columns.",
    "mnar": "Which cells are hidden depends on the value itself: large ones, say, are missing more often.",
    "mnar_quantile": "Cells are hidden only where the value is above a quantile of its column.",
    "block": "Whole groups of attributes are hidden together, as where a supplier does not give them.",
    "copied": "Cells are hidden in the pattern in which other rows truly miss them.",
    "truth": "Nothing is hidden: the cells are truly empty in the table, and the answer is known from another source.",
    "CRPS": "How far the whole distribution given for a number is from what was true; smaller is better.",
    "Energy distance": "How far the joint distribution of filled cells is from that of true ones; smaller is better.",
    "Calibration": "Mean distance between how sure a method was and how often it was right; 0 is perfect.",
}


def explain_words() -> Section:
    """Explain the words that a reader may not know."""
    return Section(key="words", title="Words", points=list(WORDS.items()))

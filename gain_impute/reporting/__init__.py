"""Results of a benchmark as a page that people read: one HTML file that opens offline, and Markdown."""

from __future__ import annotations

from gain_impute.reporting.page import results_to_markdown, write_report

__all__ = ["results_to_markdown", "write_report"]

"""Results as pages that people read: of a benchmark, of a filled file; HTML that opens offline, and Markdown."""

from __future__ import annotations

from gain_impute.reporting.page import results_to_markdown, summarise_results, write_report

__all__ = ["results_to_markdown", "summarise_results", "write_report"]

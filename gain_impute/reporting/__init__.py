"""Results as pages that a person reads: self-contained HTML from jinja2 templates."""

from __future__ import annotations

__all__: list[str] = []

"""Benchmarks that run from the repository and are not part of the package."""

from __future__ import annotations

"""``python -m gain_impute`` is ``gain-impute``."""

from __future__ import annotations

from gain_impute.cli import main

__all__: list[str] = []

main()

"""``python -m gain_impute.cli`` is ``gain-impute``."""

from __future__ import annotations

from gain_impute.cli.program import main

__all__: list[str] = []

main()

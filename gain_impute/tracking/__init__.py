"""What a fit was given, how it went and how well it fills, kept in MLflow; a lost server loses nothing.

The fit writes what it has to tell into a local spool; a thread sends it from there. What could not be sent stays in the
spool, is named, and goes with the next tracked fit, or with `send_spooled`.
"""

from __future__ import annotations

from gain_impute.tracking.listing import TrackedRun, list_runs
from gain_impute.tracking.runs import DEFAULT_STORE, Run, Runs, send_spooled, tracking_uri
from gain_impute.tracking.tracker import MLflowTracker

__all__ = [
    "DEFAULT_STORE",
    "MLflowTracker",
    "Run",
    "Runs",
    "TrackedRun",
    "list_runs",
    "send_spooled",
    "tracking_uri",
]

"""Hide known cells, fill them, score what was filled; beside other methods, on the same cells."""

from __future__ import annotations

from gain_impute.evaluation.evaluate import OURS, Evaluation, evaluate
from gain_impute.evaluation.scoring import LEAST_SCORED, check_completed, score_table
from gain_impute.evaluation.task import Task, hide_task

__all__ = [
    "LEAST_SCORED",
    "OURS",
    "Evaluation",
    "Task",
    "check_completed",
    "evaluate",
    "hide_task",
    "score_table",
]

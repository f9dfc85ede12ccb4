"""Pictures of a study: its history, where its good values lie, which parameters mattered."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from typing import Any

import optuna
from matplotlib import pyplot as plt
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from optuna.exceptions import ExperimentalWarning
from optuna.trial import TrialState
from optuna.visualization import matplotlib as pictures

__all__ = ["importances", "plot_study"]

FEWEST = 4  # completed trials; fewer tell nothing


def importances(study: optuna.Study) -> dict[str, float]:
    """Say how much of the differences between scores each hyper-parameter explains.

    Parameters
    ----------
    study : optuna.Study
        The study.

    Returns
    -------
    dict of str to float
        Shares that sum to 1, the largest first; empty where fewer than 4 trials are complete or all scored the same.
    """
    complete = study.get_trials(deepcopy=False, states=[TrialState.COMPLETE])
    if len(complete) < FEWEST or len({trial.values[0] for trial in complete}) == 1:
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        warnings.filterwarnings("ignore", message="PedAnova")  # reminds us that low is taken for good, as it is here
        return optuna.importance.get_param_importances(study, target=_score)


def plot_study(study: optuna.Study) -> dict[str, bytes]:
    """Draw a study.

    Parameters
    ----------
    study : optuna.Study
        The study.

    Returns
    -------
    dict of str to bytes
        SVG files by name: ``history``, ``slices``, ``importances``, and ``front`` where time counts; those for which
        there are enough trials.
    """
    drawn: dict[str, bytes] = {}
    complete = study.get_trials(deepcopy=False, states=[TrialState.COMPLETE])
    if complete:
        drawn["history"] = _draw(pictures.plot_optimization_history, study, target=_score, target_name="score")
        drawn["slices"] = _draw(pictures.plot_slice, study, target=_score, target_name="score")
    if complete and len(study.directions) > 1:
        drawn["front"] = _draw(pictures.plot_pareto_front, study, target_names=["score", "seconds"])
    if importances(study):
        drawn["importances"] = _draw(pictures.plot_param_importances, study, target=_score, target_name="score")
    return drawn


def _draw(plot: Callable[..., Any], study: optuna.Study, **options: Any) -> bytes:
    """Draw one picture; Optuna draws with pyplot, which keeps figures until they are closed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # experimental, and layouts that do not fit: nothing a reader could act on
        axes = plot(study, **options)
        figure = (axes.flat[0] if hasattr(axes, "flat") else axes).figure
        assert isinstance(figure, Figure)
        with io.StringIO() as stream:
            # `savefig` would draw twice
            FigureCanvasSVG(figure).print_svg(stream, metadata={"Date": None})  # type: ignore[no-untyped-call]
            content = stream.getvalue().encode()
        plt.close(figure)
    return content


def _score(trial: optuna.trial.FrozenTrial) -> float:
    return float(trial.values[0])

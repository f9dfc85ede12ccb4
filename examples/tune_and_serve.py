"""Tune on a table, register the winner, load it as a server would, and let next month's model challenge it.

Run as ``python examples/tune_and_serve.py``; everything it keeps is in ``mlruns/`` below the working directory. Its
study is tiny, so that it takes a minute or two on one core; a real one has 30 trials and the default number of steps.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import mlflow
import optuna
import pandas as pd

from gain_impute import GAINImputer
from gain_impute.errors import UnfillableWarning
from gain_impute.mlflow_flavor import CONFIDENCE, load_model, log_model, promote
from gain_impute.tracking import list_runs, tracking_uri
from gain_impute.tuning import SearchSpace, tune

__all__ = ["main"]

DATA = Path(__file__).parent / "data" / "catalogue.csv"
NAME = "catalogue"


def main(*, n_rows: int = 400, max_steps: int = 150, n_trials: int = 4) -> list[str]:
    """Go once round, and say what happens.

    Parameters
    ----------
    n_rows : int, default=400
        Rows to tune on; as many more are next month's.
    max_steps : int, default=150
        Bound of every fit.
    n_trials : int, default=4
        Trials of the study.

    Returns
    -------
    list of str
        What is printed.
    """
    warnings.simplefilter("ignore", UnfillableWarning)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    catalogue = pd.read_csv(DATA, dtype={"gtin": str}, keep_default_na=False, na_values=[""])
    this_month, next_month = catalogue.iloc[:n_rows], catalogue.iloc[n_rows : 2 * n_rows].reset_index(drop=True)
    said = []

    # 1. tune; every trial is a run in MLflow, and the winner a version of a registered model: its first champion
    imputer = GAINImputer(random_state=0, max_steps=max_steps)
    space = SearchSpace({"learning_rate": {"low": 1e-3, "high": 6e-3, "log": True}, "d_hidden": [128, 192, 256]})
    found = tune(
        this_month,
        imputer=imputer,
        space=space,
        n_trials=n_trials,
        n_finalists=1,
        n_seeds=2,
        track=True,
        register=NAME,
    )
    said.append(found.summary())

    # 2. load it as `mlflow models serve -m models:/catalogue@champion` does, which has to be told where runs are kept:
    #    export MLFLOW_TRACKING_URI=sqlite:///mlruns/mlflow.db
    mlflow.set_tracking_uri(tracking_uri())
    holes = next_month[next_month["brand"].isna() | next_month["price"].isna()].head(3)
    served = mlflow.pyfunc.load_model(f"models:/{NAME}@champion").predict(holes)
    said.append(served[["brand", f"brand{CONFIDENCE}", "price", f"price{CONFIDENCE}"]].round(2).to_string())

    # 3. a challenger is promoted only if it is better beyond noise on rows that neither has seen
    longer = GAINImputer(**(found.imputer.get_params() | {"max_steps": 2 * max_steps}))
    log_model(longer.fit(this_month, tracker="mlflow"), this_month, registered_name=NAME, alias="challenger")
    lead = promote(NAME, next_month)
    assert lead is not None
    verdict = "promoted" if lead.is_beyond_noise else "not promoted"
    said.append(f"champion {lead.first:.3f}, challenger {lead.second:.3f}: {verdict}")
    said.append(f"lead {lead.lead:.3f}, 90 % interval {lead.lower:.3f} to {lead.upper:.3f}")
    filled = load_model(f"models:/{NAME}@champion").transform(next_month)
    said.append(f"{next_month['brand'].isna().sum()} brands were missing, {filled['brand'].isna().sum()} are now")
    said.append(f"{len(list_runs())} runs are tracked")
    return said


if __name__ == "__main__":
    for text in main():
        print(text)

"""What the adversary is worth: the imputer with and without it, on the same hidden cells.

Run as ``python -m benchmarks.adversary -o results.jsonl``; what is in the file already is not computed again. The
difference is the weight of the adversarial loss alone: the default against 0. A figure is compared pair by pair (table,
mechanism, seed), as the ratio of the two errors, or their difference where it is a share.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import sem, t

import benchmarks.tables  # noqa: F401  makes the tables known
from gain_impute.benchmark import Suite, find_table
from gain_impute.benchmark.prepare import prepare
from gain_impute.benchmark.run import run_method
from gain_impute.benchmark.suite import Job
from gain_impute.imputer import GAINImputer
from gain_impute.masking import Mechanism

__all__ = ["RATIOS", "SHARES", "compare", "main", "measure"]

SUITE = Suite(
    name="adversary",
    title="With and without the adversary",
    tables=["wine", "credit", "california", "parkinsons", "adult", "laptops", "gsmarena", "bigmart"],
    mechanisms=[Mechanism.MCAR, Mechanism.MAR, Mechanism.MNAR],
    rates=[0.3],
    methods={"gain": 2},
    max_rows=1_000,
    test_share=0.2,
    show_values=False,
)
RATIOS = {"error": "error of numbers", "crps": "CRPS", "energy_distance": "energy distance"}
SHARES = {
    "accuracy": "accuracy",
    "coverage_90": "coverage of 90 % intervals",
    "coverage_50": "coverage of 50 % intervals",
}


def measure(job: Job, weight: float | None, *, n_trees: int | None) -> dict[str, float]:
    """Fit, fill and draw once.

    Parameters
    ----------
    job : Job
        Table, mechanism and seed.
    weight : float or None
        Of the adversarial loss; None is the default.
    n_trees : int or None
        As of the imputer: 0 leaves the generator alone.

    Returns
    -------
    dict of str to float
        The figures of `RATIOS` and `SHARES`, of the rows that were learned and (with ``out_``) of others.
    """
    table = find_table(job.table)
    train, test = prepare(table, job, SUITE)
    imputer = GAINImputer(schema=train.schema, random_state=job.seed, round_to_grid=False, n_trees=n_trees)
    if weight is not None:
        imputer.set_params(adversary_weight=weight)
    found = run_method(imputer, train, test, name="gain", suite=SUITE, table=table)
    figures: dict[str, float | None] = {}
    for prefix, part in (("", found["in_sample"]), ("out_", found["out_of_sample"])):
        overall = part["overall"]
        overall |= {f"coverage_{level}": (overall["coverage"] or {}).get(level) for level in ("50", "90")}
        figures |= {prefix + name: overall[name] for name in (*RATIOS, *SHARES)}
    return {name: np.nan if value is None else float(value) for name, value in figures.items()}


def compare(results: pd.DataFrame) -> pd.DataFrame:
    """Put pairs side by side.

    Parameters
    ----------
    results : DataFrame
        One row per table, mechanism, seed and `has_adversary`, with the figures of `measure`.

    Returns
    -------
    DataFrame
        One row per mechanism and figure: with and without it (means), the mean change by the adversary (ratio - 1 of
        errors, difference of shares), the 95 % interval of this, and the number of pairs.
    """
    keys = ["table", "mechanism", "seed"]
    pairs = results.pivot(index=keys, columns="has_adversary")  # noqa: PD010 - there is nothing to aggregate
    rows = []
    for mechanism, name in product([*results["mechanism"].unique(), "all"], [*RATIOS, *SHARES]):
        for figure in (name, f"out_{name}"):
            pair = pairs[figure].dropna()
            if mechanism != "all":
                pair = pair[pair.index.get_level_values("mechanism") == mechanism]
            if len(pair) < 2:  # of one there is no interval
                continue
            change = pair[True] / pair[False] - 1 if name in RATIOS else pair[True] - pair[False]
            half = t.ppf(0.975, len(change) - 1) * sem(change)
            rows.append(
                {
                    "mechanism": mechanism,
                    "figure": {**RATIOS, **SHARES}[name] + (", other rows" if figure != name else ""),
                    "with": pair[True].mean(),
                    "without": pair[False].mean(),
                    "change": change.mean(),
                    "lower": change.mean() - half,
                    "upper": change.mean() + half,
                    "n": len(change),
                }
            )
    return pd.DataFrame(rows)


def main() -> None:
    """Measure what is not in the results yet, and print what there is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, required=True, help="results, one JSON object a line")
    parser.add_argument("--tables", nargs="+", default=SUITE.tables)
    parser.add_argument("--trees", type=int, default=None, help="0: the generator alone")
    options = parser.parse_args()
    lines = options.output.read_text(encoding="utf-8").splitlines() if options.output.exists() else []
    results = [json.loads(line) for line in lines]
    done = {(one["table"], one["mechanism"], one["seed"], one["has_adversary"], one.get("n_trees")) for one in results}
    for job in SUITE.jobs():
        for has_adversary in (True, False):
            key = (job.table, job.mechanism, job.seed, has_adversary, options.trees)
            if job.table not in options.tables or key in done:
                continue
            figures = measure(job, None if has_adversary else 0.0, n_trees=options.trees)
            how = {"has_adversary": has_adversary, "n_trees": options.trees}
            results.append(dataclasses.asdict(job) | how | figures)
            with options.output.open("a", encoding="utf-8") as file:
                file.write(json.dumps(results[-1]) + "\n")
    asked = [one for one in results if one.get("n_trees") == options.trees]
    print(compare(pd.DataFrame(asked)).round(4).to_string(index=False))


if __name__ == "__main__":
    main()

"""What a benchmark runs: tables, mechanisms, methods and seeds, as a TOML file says."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from gain_impute.errors import ConfigError, FileError
from gain_impute.masking import Mechanism

__all__ = ["TRUTH", "Job", "Suite", "find_suite", "read_suite"]

TRUTH = "truth"
"""In place of a mechanism: nothing is hidden; cells that are truly empty are asked for, whose answers are known."""

Why = Mechanism | Literal["truth"]
Share = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(ge=1)]


@dataclass(frozen=True, kw_only=True, order=True)
class Job:
    """One run of one method.

    Attributes
    ----------
    suite, table, mechanism, method : str
        Names.
    rate : float
        Share of the known cells of each column to hide.
    seed : int
        Of hiding, splitting and the method.
    """

    suite: str
    table: str
    mechanism: str
    rate: float
    method: str
    seed: int

    @property
    def path(self) -> Path:
        """Where its result stands, below the folder of results.

        Returns
        -------
        Path
            ``suite/table/mechanism-rate/method-seed.json``.
        """
        return Path(self.suite, self.table, f"{self.mechanism}-{self.rate:g}", f"{self.method}-{self.seed}.json")


class Suite(BaseModel):
    """A benchmark that can be run.

    Attributes
    ----------
    name : str
        What it is called.
    title : str
        What it asks.
    tables : list of str
        Names of registered tables.
    mechanisms : list of Mechanism or "truth", default=["mcar"]
        Why cells are hidden; or "truth": none is, and cells that are truly empty are asked for.
    rates : list of float, default=[0.2]
        Shares of the known cells of each column to hide; six digits tell them apart.
    methods : dict of str to int
        Of each method, how many seeds it runs with: 0, 1, ...
    only_under : dict of str to list of Mechanism or "truth", default={}
        Of slow methods, under which mechanisms alone they run.
    max_rows : int, default=2000
        Of longer tables so many rows are drawn, the same in every run.
    test_share : float or None, default=None
        Share of the rows that no method learns from, scored apart. None: all rows are learned.
    max_time_s : float, default=150
        Seconds after which a run is ended and called timed out.
    max_memory_mib : float or None, default=None
        MiB held by a run and all that it started, the table included, above which it is ended and called out of memory.
        None: as much as there is.
    costs_only : bool, default=False
        Whether the suite asks what methods cost on tables that differ in size: neither draws nor probabilities are
        scored, and the report shows time and memory against size, and counts these tables in no score.
    n_draws : int, default=20
        Draws of methods that draw; 0 draws none.
    show_values : bool, default=True
        Whether results hold some hidden values as they are; else in standard deviations, and categories as ranks.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z0-9_]+$")
    title: str
    tables: list[str] = Field(min_length=1)
    mechanisms: list[Why] = Field([Mechanism.MCAR], min_length=1)
    rates: list[Share] = Field([0.2], min_length=1)
    methods: dict[str, Count] = Field(min_length=1)
    only_under: dict[str, list[Why]] = {}
    max_rows: Count = 2_000
    test_share: Share | None = None
    max_time_s: Annotated[float, Field(gt=0)] = 150.0
    max_memory_mib: Annotated[float, Field(gt=0)] | None = None
    costs_only: bool = False
    n_draws: Annotated[int, Field(ge=0)] = 20
    show_values: bool = True

    @model_validator(mode="after")
    def _says_nothing_twice(self) -> Self:
        for field, names in (
            ("tables", self.tables),
            ("mechanisms", list(map(str, self.mechanisms))),
            ("rates", [f"{rate:g}" for rate in self.rates]),
        ):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"{field} must be said once each, but {', '.join(twice)} is there again")
        return self

    @model_validator(mode="after")
    def _knows_what_is_narrowed(self) -> Self:
        unknown = [name for name in self.only_under if name not in self.methods]
        if unknown:
            raise ValueError(f"only_under must name methods of the suite, but {', '.join(unknown)} is none")
        return self

    def asks_for(self, result: Mapping[str, Any]) -> bool:
        """Say whether a result is of one of its tables, mechanisms and rates, by whatever method.

        Parameters
        ----------
        result : mapping
            As of `read_result`.

        Returns
        -------
        bool
            False of what an earlier suite of this name asked for.
        """
        is_way = result["mechanism"] in self.mechanisms and result["rate"] in self.rates
        return is_way and result["table"] in self.tables

    def jobs(self) -> Iterator[Job]:
        """List its runs: first seeds first, then mechanisms, so that a benchmark cut short has compared on most tables.

        Yields
        ------
        Job
            One run.
        """
        tasks = product(range(max(self.methods.values())), self.mechanisms, self.rates, self.tables)
        for seed, mechanism, rate, table in tasks:
            for method, n_seeds in self.methods.items():
                if seed < n_seeds and mechanism in self.only_under.get(method, self.mechanisms):
                    yield Job(
                        suite=self.name, table=table, mechanism=str(mechanism), rate=rate, method=method, seed=seed
                    )


def read_suite(path: Path) -> Suite:
    """Read a suite from a TOML file.

    Parameters
    ----------
    path : Path
        The file; its name without ending is the suite's.

    Returns
    -------
    Suite
        The suite.

    Raises
    ------
    FileError
        If it cannot be read, or is no TOML.
    ConfigError
        If it says something that a suite cannot be.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise FileError(f"The suite {str(path)!r} must be a TOML file. {error}.") from error
    try:
        return Suite(name=path.stem, **content)
    except (ValidationError, TypeError) as error:
        told = (
            "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:5])
            if isinstance(error, ValidationError)
            else str(error)
        )
        raise ConfigError(f"The suite {str(path)!r} must say what to run. {told}. Correct the file.") from error


def find_suite(name: str, folders: tuple[Path, ...] = ()) -> Suite:
    """Find a suite by its name: in the folders given, or among those that ship with the package.

    Parameters
    ----------
    name : str
        The name of its file without ending, or the path of a TOML file.
    folders : tuple of Path, default=()
        Where else to look, first.

    Returns
    -------
    Suite
        The suite.

    Raises
    ------
    ConfigError
        If there is none of that name.

    Examples
    --------
    >>> find_suite("smoke").mechanisms
    [<Mechanism.MCAR: 'mcar'>, <Mechanism.BLOCK: 'block'>]
    """
    if name.endswith(".toml"):
        return read_suite(Path(name))
    places = [*folders, Path(str(files("gain_impute.benchmark") / "suites"))]
    known = {path.stem: path for folder in reversed(places) for path in sorted(folder.glob("*.toml"))}
    if name not in known:
        raise ConfigError(f"A suite must be one of {', '.join(sorted(known))}. Got {name!r} instead.")
    return read_suite(known[name])

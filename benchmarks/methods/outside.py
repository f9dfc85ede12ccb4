"""Peers that need packages of other versions: they run in environments of their own, driven through files.

``make peers`` builds the environments from ``benchmarks/envs/NAME.txt``. A worker, ``benchmarks/workers/fill_NAME.py``,
is started with the environment's own Python, and lives as long as the filler: each line that it reads is a question,
each line that it writes says that the answer lies there. Matrices go to and fro as ``.npz``.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import weakref
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from gain_impute.errors import GainImputeError, MethodUnavailableError
from gain_impute.methods import Matrix

__all__ = ["DrawingOutsideFiller", "OutsideFiller", "PeerFailedError", "python_of", "refuse_means"]

Floats = NDArray[np.float64]

ENVIRONMENTS = Path(__file__).parents[1] / "envs"
WORKERS = Path(__file__).parents[1] / "workers"
LAST_WORDS = 300
LEAST_TELLING = 5


class PeerFailedError(GainImputeError):
    """A peer ran, but gave no table: it crashed, or returned what cannot be its result."""


def python_of(name: str) -> Path:
    """Find the Python of a peer's environment.

    Parameters
    ----------
    name : str
        The environment: a list of packages ``benchmarks/envs/NAME.txt``.

    Returns
    -------
    Path
        Its interpreter.

    Raises
    ------
    MethodUnavailableError
        If the environment has not been built.
    """
    if not (ENVIRONMENTS / name / ".installed").exists():
        raise MethodUnavailableError(
            f"{name} needs an environment of its own, benchmarks/envs/{name}, which is not built. Build it: make peers."
        )
    return ENVIRONMENTS / name / "bin" / "python"


@dataclass(kw_only=True)
class OutsideFiller:
    """Fill by a worker in another environment.

    Attributes
    ----------
    name : str
        The environment, and its worker.
    options : dict of str to value, default={}
        What the worker is told.
    n_threads : int, default=1
        Threads that it may use.
    max_time_s : float or None, default=None
        Seconds that a fit and what is filled after it may take together; a worker heeds it where it can.
    random_state : int, default=0
        Its seed.
    note : str
        What the worker has to say.

    Raises
    ------
    MethodUnavailableError
        If the environment has not been built.
    PeerFailedError
        If the worker fails, or if what it returns for numbers is their mean.
    """

    name: str
    options: dict[str, Any] = field(default_factory=dict)
    n_threads: int = 1
    max_time_s: float | None = None
    random_state: int = 0
    reads_text: bool = field(default=True, init=False)
    note: str = field(default="", init=False, repr=False)
    _worker: _Worker | None = field(default=None, init=False, repr=False)

    def fit_fill(self, matrix: Matrix) -> Floats:
        """Start a worker, have it learn a matrix, and fill it."""
        self._worker = _Worker(self.name, self.n_threads)
        told = {"n_threads": self.n_threads, "max_time_s": self.max_time_s, **self.options}
        filled, self.note = self._worker.asked("fit", matrix, seed=self.random_state, **told)
        refuse_means(self.name, matrix, filled)
        return filled

    def fill(self, matrix: Matrix) -> Floats:
        """Have the worker fill other rows with what it learned."""
        assert self._worker is not None, "fit_fill comes first"
        return self._worker.asked("fill", matrix, seed=self.random_state)[0]


class DrawingOutsideFiller(OutsideFiller):
    """Fill, and draw, by a worker in another environment."""

    def draw(self, matrix: Matrix, rng: np.random.Generator) -> Floats:
        """Have the worker fill rows in one of many ways."""
        assert self._worker is not None, "fit_fill comes first"
        return self._worker.asked("draw", matrix, seed=int(rng.integers(2**31)))[0]


def refuse_means(name: str, matrix: Matrix, filled: Floats) -> None:
    """Refuse a result that fills every column of numbers with one value; columns of fewer than five holes do not tell.

    HyperImpute returns the mean without a word where its pandas is too new.
    """
    holes = np.isnan(matrix.values)
    telling = [i for i in np.flatnonzero(matrix.is_number) if holes[:, i].sum() >= LEAST_TELLING]
    if telling and all(np.ptp(filled[holes[:, i], i]) < 1e-9 for i in telling):
        raise PeerFailedError(
            f"{name} must not fill numbers with their mean alone. It did, in all {len(telling)} columns of numbers. "
            f"See which versions benchmarks/envs/{name}.txt asks for, and which are installed."
        )


class _Worker:
    """A process in another environment, and the folder in which it is asked; both go when the object goes."""

    def __init__(self, name: str, n_threads: int) -> None:
        """Start."""
        self._name = name
        self._folder = Path(tempfile.mkdtemp(prefix="peer-"))
        self._errors = self._folder / "errors.txt"
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                [str(python_of(name)), "-P", str(WORKERS / f"fill_{name}.py")],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=_environment(n_threads),
            )
        weakref.finalize(self, _end, self._process, self._folder)

    def asked(self, verb: str, matrix: Matrix, **told: Any) -> tuple[Floats, str]:
        """Ask for one thing; returns the completed matrix (n_rows, n_columns), and a note."""
        question, answer = (self._folder / f"{name}.npz" for name in ("question", "answer"))
        n_categories = np.array(matrix.n_categories, dtype=np.int64)
        np.savez(question, values=matrix.values, texts=matrix.texts, n_categories=n_categories)
        stdin, stdout = _pipes(self._process)
        try:
            print(
                json.dumps({"question": str(question), "answer": str(answer), "verb": verb, **told}),
                file=stdin,
                flush=True,
            )
            said = stdout.readline()
        except BrokenPipeError:
            said = ""
        if said.strip() != "done":
            raise PeerFailedError(
                f"{self._name} must give a completed matrix. Its worker ended with {self._process.wait()}: "
                f"{self._last_words()} Run benchmarks/workers/fill_{self._name}.py by hand to see more."
            )
        with np.load(answer) as given:
            return given["values"], str(given["note"])

    def _last_words(self) -> str:
        """What a traceback says below its frames; else the end of what the worker wrote to standard error."""
        written = self._errors.read_text(encoding="utf-8", errors="replace")
        _, is_traceback, frames = written.rpartition("Traceback (most recent call last):\n")
        if is_traceback:  # frames are indented; what follows the error may be a page of its own, as in XGBoost
            return next((line for line in frames.splitlines() if line[:1].strip()), "")[:LAST_WORDS]
        return " ".join(written.split())[-LAST_WORDS:]


def _pipes(process: subprocess.Popen[str]) -> tuple[IO[str], IO[str]]:
    assert process.stdin is not None
    assert process.stdout is not None
    return process.stdin, process.stdout


def _end(process: subprocess.Popen[str], folder: Path) -> None:
    """End a worker, and remove its folder."""
    process.kill()
    process.wait()
    for pipe in _pipes(process):
        with suppress(BrokenPipeError):  # of a question that nobody read
            pipe.close()
    shutil.rmtree(folder)


def _environment(n_threads: int) -> dict[str, str]:
    """The worker's environment variables: ours without our packages, its threads counted, its hashes fixed."""
    ours = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    counted = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "LOKY_MAX_CPU_COUNT")
    return {**ours, **dict.fromkeys(counted, str(n_threads)), "PYTHONHASHSEED": "0"}

"""The heavy peers fill every hole and change nothing else; those that cannot run here say why."""

from __future__ import annotations

import itertools
import re
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsClassifier

from benchmarks.methods import PEERS, outside
from benchmarks.methods.bayesian_ridge import BayesianRidgeFiller
from benchmarks.methods.chain import ChainFiller, Part
from benchmarks.methods.datawig import DataWigFiller, DataWigMethod
from benchmarks.methods.gain_2018 import Gain2018Filler
from benchmarks.methods.missforest import MISSFOREST, fewer_trees
from benchmarks.methods.outside import DrawingOutsideFiller, OutsideFiller, PeerFailedError, refuse_means
from benchmarks.methods.remasker import ReMaskerFiller, epochs_for
from benchmarks.methods.unit_scale import UnitScale
from gain_impute import infer_schema
from gain_impute.errors import MethodUnavailableError
from gain_impute.masking import apply_hidden, hide_cells
from gain_impute.methods import Draws, Matrix, MatrixMethod, Setting, known_methods, make_method, note_of
from gain_impute.methods.matrix import DrawingMatrixMethod

NAMES = tuple(entry.name for entry in PEERS)
OUTSIDE = ("miceforest", "hyperimpute")
RUNNABLE = tuple(name for name in NAMES if name not in {*OUTSIDE, "tabpfn"})
N_ROWS = 160


def make(name: str, table: pd.DataFrame, *, seed: int = 0, is_brief: bool = False):
    """A peer as it is registered, but with fewer steps where it would take long; `is_brief`: with next to none."""
    setting = Setting(schema=infer_schema(table), seed=seed)
    if name == "gain_2018":
        return DrawingMatrixMethod(Gain2018Filler(n_steps=10 if is_brief else 600, random_state=seed), setting)
    if name == "remasker":
        n_epochs = 2 if is_brief else 25
        return MatrixMethod(ReMaskerFiller(n_rows_a_step=16, n_epochs=n_epochs, random_state=seed), setting)
    return make_method(name, setting)


@pytest.fixture(scope="module")
def shop() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    kind = rng.choice(["cup", "pot", "pan"], N_ROWS, p=[0.5, 0.3, 0.2])
    price = pd.Series(kind).map({"cup": 5.0, "pot": 20.0, "pan": 35.0}) + rng.normal(size=N_ROWS)
    return pd.DataFrame(
        {
            "title": [f"the article number {i} of this shop, a {k}" for i, k in enumerate(kind)],
            "kind": kind,
            "price": price.round(2),
            "weight": (2 * price + rng.normal(size=N_ROWS)).round(1),
            "in_stock": rng.choice(["yes", "no"], N_ROWS),
        }
    )


@pytest.fixture(scope="module")
def visible(shop) -> pd.DataFrame:
    columns = ["kind", "price", "weight", "in_stock"]
    hidden = hide_cells(shop[columns], 0.2, rng=0)
    return shop.assign(**apply_hidden(shop[columns], hidden))


def error_of_price(completed: pd.DataFrame, shop: pd.DataFrame, visible: pd.DataFrame) -> float:
    holes = visible["price"].isna()
    return float(((completed["price"] - shop["price"])[holes] ** 2).mean() ** 0.5 / shop["price"].std())


@pytest.mark.parametrize("name", RUNNABLE)
def test_a_peer_fills_every_hole_changes_nothing_else_and_says_what_columns_say_of_each_other(name, shop, visible):
    peer = make(name, visible)
    completed = peer.fit_transform(visible)
    assert not completed.isna().to_numpy().any()
    known = visible.notna()
    pd.testing.assert_frame_equal(completed.where(known), visible.where(known))
    assert completed.dtypes.equals(visible.dtypes)
    assert set(completed["kind"]) <= set(shop["kind"])
    assert error_of_price(completed, shop, visible) < 0.8  # that of the mean is 1

    others = visible.tail(50).assign(title=visible["title"].head(50).to_numpy()).reset_index(drop=True)
    filled = peer.transform(others)
    assert not filled.isna().to_numpy().any()
    pd.testing.assert_frame_equal(filled.where(others.notna()), others.where(others.notna()))
    pd.testing.assert_frame_equal(peer.transform(others[:1])[["kind"]], filled[:1][["kind"]])


@pytest.mark.parametrize("name", RUNNABLE)
def test_a_peer_of_the_same_seed_fills_alike_and_leaves_global_generators_alone(name, visible):
    small = visible[:40]
    np.random.seed(3)  # noqa: NPY002  the global generator is what this is about
    torch.manual_seed(3)
    states = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    first, second = (make(name, small, seed=1, is_brief=True).fit_transform(small) for _ in range(2))
    pd.testing.assert_frame_equal(first, second)
    assert (np.random.get_state()[1] == states[0]).all()  # noqa: NPY002
    assert (torch.get_rng_state() == states[1]).all()


@pytest.mark.parametrize("name", RUNNABLE)
def test_a_peer_takes_columns_of_one_value_and_rows_that_know_nothing(name):
    table = pd.DataFrame({"a": [1.0, 2.0, 3.0, np.nan] * 5, "b": ["x", "x", None, None] * 5, "c": [7.0, np.nan] * 10})
    schema = infer_schema(table, kinds={"b": "categorical", "c": "numeric"})
    completed = replace(make(name, table, is_brief=True), setting=Setting(schema=schema)).fit_transform(table)
    assert completed["b"].eq("x").all()
    assert completed["c"].tolist() == pytest.approx([7.0] * 20)
    assert completed["a"].between(1, 3).all()


@pytest.mark.parametrize("name", RUNNABLE)
def test_a_peer_is_made_as_it_is_registered(name, visible):
    peer = make_method(name, Setting(schema=infer_schema(visible), seed=4, max_time_s=150.0))
    assert peer.filler.random_state == 4
    assert getattr(peer.filler, "max_time_s", 150.0) == 150.0


def test_all_peers_are_known_and_say_how_they_are_run_and_where_they_are_published():
    assert set(NAMES) <= set(known_methods())
    assert all(entry.reference and entry.title for entry in PEERS)
    assert all(entry.settings for entry in PEERS if entry.name != "tabpfn")


# ------------------------------------------------------------------------------------------------ chained equations


def matrix_of(values: np.ndarray, n_categories: tuple[int, ...]) -> Matrix:
    return Matrix(values, n_categories, np.zeros((len(values), 0)))


@pytest.fixture
def line() -> Matrix:
    """Numbers on a line, and a category that is their sign."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    values = np.column_stack([x, 2 * x + 0.01 * rng.normal(size=200), (x > 0).astype(float)])
    values[rng.random(values.shape) < 0.2] = np.nan
    return matrix_of(values, (0, 0, 2))


def simple_model(part: Part):
    return KNeighborsClassifier() if part.n_categories else Ridge(1e-3)


def test_columns_are_learned_by_rising_number_of_holes(line):
    sizes = []

    def noting(part: Part):
        sizes.append(part.n_rows)
        return simple_model(part)

    ChainFiller(make=noting, n_rounds=2).fit_fill(line)
    known = sorted((~np.isnan(line.values)).sum(axis=0), reverse=True)
    assert sizes == known * 2


def test_more_rounds_bring_a_line_closer(line):
    def error(n_rounds: int) -> float:
        filled = ChainFiller(make=simple_model, n_rounds=n_rounds).fit_fill(line)
        return float(np.abs(filled[:, 1] - 2 * filled[:, 0]).mean())

    assert error(5) < error(1)


def test_a_chain_without_time_says_so_and_fills_with_mean_and_mode(line):
    chain = ChainFiller(make=simple_model, n_rounds=3, max_time_s=0.0)
    filled = chain.fit_fill(line)
    assert (filled[np.isnan(line.values)] == 0).all()
    assert chain.note == "stopped by time in round 1 of at most 3, after 0 of 3 columns"


def test_a_chain_that_stops_when_it_gets_worse_keeps_the_round_before(line):
    rng = np.random.default_rng(0)

    class Wandering:
        """Says something else each time, ever farther away."""

        def __init__(self, scale: float) -> None:
            self.scale = scale

        def fit(self, X, y):  # noqa: ARG002  the face of all models
            return self

        def predict(self, X):
            return self.scale * rng.normal(size=len(X))

    numbers = matrix_of(line.values[:, :2], (0, 0))
    scales = iter([1e-3, 1e-3, 1.0, 1.0, 1e3, 1e3, 1e6, 1e6, 1e9, 1e9])
    chain = ChainFiller(make=lambda _: Wandering(next(scales)), n_rounds=5, stops_when_worse=True)
    filled = chain.fit_fill(numbers)
    assert re.fullmatch(r"stopped after round (\d) of at most 5, and kept the one before", chain.note)
    stopped_after = int(chain.note.split()[3])
    assert np.abs(filled[np.isnan(numbers.values)]).max() < 10.0 ** (3 * (stopped_after - 1) - 1)


def test_forests_on_many_categories_have_fewer_trees():
    def part(n_rows, n_categories):
        return Part(n_rows=n_rows, n_features=5, n_categories=n_categories, seed=0)

    assert fewer_trees(100, part(2_000, 10)) == 100
    assert fewer_trees(100, part(5_000, 200)) == 40
    assert fewer_trees(100, part(50_000, 700)) == 10


def test_missforest_grows_trees_without_a_limit_of_depth(visible):
    assert MISSFOREST.settings["depth"] == "unlimited"
    model = make_method("missforest", Setting(schema=infer_schema(visible))).filler.make(
        Part(n_rows=100, n_features=4, n_categories=0, seed=0)
    )
    assert model.max_depth is None


# ----------------------------------------------------------------------------------------------- one peer at a time


def test_rare_categories_beyond_the_limit_are_left_out_and_said():
    rng = np.random.default_rng(0)
    codes = np.append(np.arange(25), rng.integers(0, 5, 75)).astype(float)
    codes[-20:] = np.nan
    filler = BayesianRidgeFiller(most_one_hot=20)
    filled = filler.fit_fill(matrix_of(np.column_stack([codes, rng.normal(size=100)]), (25, 0)))
    assert filled[-20:, 0].max() < 20
    assert filler.note == "the 5 rarest categories are never filled in"


def test_the_published_gan_draws_differently_each_time_and_fills_alike_each_time(visible):
    peer = make("gain_2018", visible, is_brief=True)
    assert isinstance(peer, Draws)
    peer.fit_transform(visible)
    one, two = peer.sample(visible, 2)
    assert not one.equals(two)
    pd.testing.assert_frame_equal(peer.transform(visible), peer.transform(visible))


def test_both_hints_train_and_give_different_results(visible):
    setting = Setting(schema=infer_schema(visible))
    paper, released = (
        MatrixMethod(Gain2018Filler(n_steps=20, hint=hint), setting).fit_transform(visible)
        for hint in ("paper", "released")
    )
    assert not paper.equals(released)


def test_scaling_to_one_is_undone_and_holes_are_zero():
    values = np.array([[1.0, 0.0], [5.0, np.nan], [np.nan, 2.0]])
    matrix = Matrix(values, (0, 3), np.array([[0.1], [0.3], [0.2]]))
    scale = UnitScale.of(matrix)
    scaled, observed = scale.scaled(matrix)
    assert scaled.numpy() == pytest.approx(np.array([[0, 0, 0], [1, 0, 1], [0, 1, 0.5]]))
    assert observed.numpy().tolist() == [[1, 1, 1], [1, 0, 1], [0, 1, 1]]
    known = ~np.isnan(values)
    assert scale.unscaled(scaled)[known] == pytest.approx(values[known])


def test_epochs_follow_from_the_size_of_the_table():
    assert epochs_for(150, 8) == 600
    assert epochs_for(5_000, 20) == 9
    assert epochs_for(10**6, 100) == 5


def test_a_row_of_the_masked_autoencoder_does_not_depend_on_those_beside_it(visible):
    filler = ReMaskerFiller(n_rows_a_step=32, n_epochs=3)
    peer = MatrixMethod(filler, Setting(schema=infer_schema(visible)))
    together = peer.fit_transform(visible)
    alone = pd.concat([peer.transform(visible.iloc[[i]]) for i in range(10)])
    assert alone["price"].tolist() == pytest.approx(together["price"][:10].tolist(), rel=1e-4)


def test_a_time_limit_ends_training_between_epochs_and_is_said(visible):
    filler = ReMaskerFiller(n_epochs=7, max_time_s=0.0)
    MatrixMethod(filler, Setting(schema=infer_schema(visible))).fit_transform(visible)
    assert filler.note == "1 epochs; 600 in the paper"


def test_what_stands_in_a_title_is_read_from_its_letters(shop, visible):
    holes = visible["kind"].isna()
    guess = make("datawig", visible).fit_transform(visible)["kind"][holes]
    assert (guess == shop["kind"][holes]).mean() > 0.9  # the commonest kind is half of them


def test_a_linear_peer_without_time_fills_with_mean_and_mode_and_says_so(visible):
    setting = Setting(schema=infer_schema(visible), max_time_s=0.0)
    peer = DataWigMethod(DataWigFiller(max_time_s=-1.0), setting)
    completed = peer.fit_transform(visible)
    assert completed["price"][visible["price"].isna()].to_numpy() == pytest.approx(visible["price"].mean())
    assert note_of(peer) == "stopped by time after 0 of 4 columns; mean and mode fill the others"


def test_a_linear_peer_in_haste_tries_fewer_penalties_in_every_column_and_says_so(shop, visible, monkeypatch):
    clock = itertools.count()
    monkeypatch.setattr("benchmarks.methods.datawig.time", SimpleNamespace(monotonic=lambda: next(clock)))
    peer = DataWigMethod(DataWigFiller(max_time_s=20.0), Setting(schema=infer_schema(visible)))
    holes = visible["kind"].isna()
    assert (peer.fit_transform(visible)["kind"][holes] == shop["kind"][holes]).mean() > 0.9
    assert note_of(peer) == "no time to try all penalties in 4 columns"


def test_a_peer_whose_weights_are_in_no_package_says_so(visible):
    with pytest.raises(MethodUnavailableError, match=r"TabPFN needs trained weights, and its package has none"):
        make_method("tabpfn", Setting(schema=infer_schema(visible)))


def test_a_peer_whose_package_is_missing_says_how_to_install_it(visible, monkeypatch):
    monkeypatch.setitem(sys.modules, "lightgbm", None)  # what Python has for a package that is not there
    with pytest.raises(
        MethodUnavailableError, match=r"needs the package lightgbm.*pip install 'gain-impute\[benchmark"
    ):
        make_method("lightgbm", Setting(schema=infer_schema(visible)))


# ------------------------------------------------------------------------------------- environments of their own


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_peer_whose_environment_is_not_built_says_how_to_build_it(name, visible, tmp_path, monkeypatch):
    monkeypatch.setattr(outside, "ENVIRONMENTS", tmp_path)
    with pytest.raises(MethodUnavailableError, match=rf"{name} needs an environment.*not built\. Build it: make peers"):
        make_method(name, Setting(schema=infer_schema(visible)))


@pytest.fixture
def worker(tmp_path, monkeypatch):
    """Writes a worker that runs in the environment of the tests."""
    environment = tmp_path / "peer"
    (environment / "bin").mkdir(parents=True)
    (environment / ".installed").touch()
    (environment / "bin" / "python").symlink_to(sys.executable)
    monkeypatch.setattr(outside, "ENVIRONMENTS", tmp_path)
    monkeypatch.setattr(outside, "WORKERS", tmp_path)
    exchange = Path(outside.__file__).parents[1] / "workers"

    def write(body: str) -> None:
        lines = [f"import sys; sys.path[:0] = {[str(exchange), *sys.path]!r}", "import numpy as np"]
        lines += ["from exchange import answer_with", body, "answer_with(answer)"]
        (tmp_path / "fill_peer.py").write_text("\n".join(lines), encoding="utf-8")

    return write


@pytest.fixture
def holes() -> Matrix:
    values = np.arange(40.0).reshape(20, 2)
    values[:6, 0] = np.nan
    return matrix_of(values, (0, 0))


def test_a_worker_is_asked_through_files_and_remembers_what_it_learned(worker, holes):
    worker(
        "seen = []\n"
        "def answer(question):\n"
        "    print('what a peer prints is no answer')\n"
        "    seen.append(question.told['verb'])\n"
        "    row_numbers = np.arange(len(question.values))[:, None]\n"
        "    return np.nan_to_num(question.values) + row_numbers * len(seen), ' '.join(seen)\n"
    )
    filler = DrawingOutsideFiller(name="peer", options={"extra": 1})
    expected = np.nan_to_num(holes.values)
    row_numbers = np.arange(20)[:, None]
    assert filler.fit_fill(holes).tolist() == (expected + row_numbers).tolist()
    assert filler.note == "fit"
    assert filler.fill(holes).tolist() == (expected + 2 * row_numbers).tolist()
    assert filler.draw(holes, np.random.default_rng(0)).tolist() == (expected + 3 * row_numbers).tolist()


def test_a_worker_that_fails_is_named_with_its_last_words(worker, holes):
    worker("def answer(question):\n    raise ValueError('no such model\\nStack trace:\\n  a page')")
    with pytest.raises(
        PeerFailedError, match=r"peer must give a completed matrix.*with 1: ValueError: no such model Run"
    ):
        OutsideFiller(name="peer").fit_fill(holes)


def test_a_worker_that_ends_without_a_traceback_is_named_with_what_it_wrote_last(worker, holes):
    worker("import sys\ndef answer(question):\n    print('no', 'licence', file=sys.stderr)\n    sys.exit(3)")
    with pytest.raises(PeerFailedError, match=r"ended with 3: no licence Run"):
        OutsideFiller(name="peer").fit_fill(holes)


def test_a_worker_that_returns_the_mean_is_refused(worker, holes):
    worker("def answer(question):\n    return np.where(np.isnan(question.values), 0.0, question.values), ''")
    with pytest.raises(PeerFailedError, match=r"peer must not fill numbers with their mean alone.*in all 1 columns"):
        OutsideFiller(name="peer").fit_fill(holes)


def test_a_worker_ends_with_its_filler(worker, holes):
    worker(
        "import os\n"
        "def answer(question):\n"
        "    return np.nan_to_num(question.values) + np.arange(20)[:, None], str(os.getpid())"
    )
    filler = OutsideFiller(name="peer")
    filler.fit_fill(holes)
    process = Path("/proc") / filler.note
    assert process.exists()
    del filler
    assert not process.exists()


def test_columns_with_few_holes_or_categories_do_not_tell_a_mean(holes):
    few = matrix_of(holes.values[4:], (0, 0))
    refuse_means("peer", few, np.nan_to_num(few.values))
    codes = matrix_of(holes.values, (40, 0))
    refuse_means("peer", codes, np.nan_to_num(codes.values))
    with pytest.raises(PeerFailedError):
        refuse_means("peer", holes, np.nan_to_num(holes.values))


@pytest.mark.parametrize("name", OUTSIDE)
@pytest.mark.slow
def test_a_peer_in_an_environment_of_its_own_fills_as_the_others_do(name, shop, visible):
    try:
        peer = make_method(name, Setting(schema=infer_schema(visible), max_time_s=60.0))
    except MethodUnavailableError as error:
        pytest.skip(str(error))
    completed = peer.fit_transform(visible)
    known = visible.notna()
    assert not completed.isna().to_numpy().any()
    pd.testing.assert_frame_equal(completed.where(known), visible.where(known))
    assert error_of_price(completed, shop, visible) < 0.8
    filled = peer.transform(visible.tail(20))
    assert not filled.isna().to_numpy().any()
    assert error_of_price(peer.transform(visible), shop, visible) < 0.8

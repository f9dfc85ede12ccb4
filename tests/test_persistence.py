"""A model folder is whole or is not there, says when it was damaged, and runs nothing."""

from __future__ import annotations

import copy
import hashlib
import json
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load

from gain_impute import GAINImputer
from gain_impute.errors import FileError, GainImputeWarning, LikelyMarkerWarning, ModelFormatError
from gain_impute.persistence import FORMAT_VERSION
from tests.strategies import WORDS, quick_imputer, shop_table, texts

FILES = ["SHA256SUMS", "model.json", "weights.safetensors"]


@pytest.fixture(scope="module")
def shop() -> pd.DataFrame:
    return shop_table()


@pytest.fixture(scope="module")
def imputer(shop) -> GAINImputer:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GainImputeWarning)
        return quick_imputer(max_steps=10).fit(shop)


@pytest.fixture
def model(imputer, tmp_path) -> Path:
    imputer.save(tmp_path / "model")
    return tmp_path / "model"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def rewrite(model: Path, **changes: object) -> None:
    """Change the description as somebody would who also writes the checksums anew."""
    description = json.loads((model / "model.json").read_text()) | changes
    (model / "model.json").write_text(json.dumps(description))
    sums = [f"{hashlib.sha256((model / name).read_bytes()).hexdigest()}  {name}\n" for name in FILES[1:]]
    (model / "SHA256SUMS").write_text("".join(sums))


# ------------------------------------------------------------------------------------------ what is in a folder


def test_a_folder_holds_a_description_weights_and_checksums_that_the_usual_tool_checks(model):
    assert sorted(path.name for path in model.iterdir()) == FILES
    checked = subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=model, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr
    assert checked.stdout.count(": OK") == 2


def test_nothing_in_a_folder_is_a_pickle(model):
    description = json.loads((model / "model.json").read_text("utf-8"))
    assert description["format_version"] == FORMAT_VERSION
    weights = load((model / "weights.safetensors").read_bytes())
    assert weights
    assert all(array.dtype.kind in "fiub" for array in weights.values())
    # a pickle, or the archive that torch packs one into, begins so
    assert not any(content.startswith((b"\x80", b"PK")) for content in contents(model).values())


def test_others_may_read_a_model_as_they_may_read_any_new_folder(model, tmp_path):
    (tmp_path / "ordinary").mkdir()
    (tmp_path / "file").write_text("")
    assert model.stat().st_mode == (tmp_path / "ordinary").stat().st_mode
    assert (model / "model.json").stat().st_mode == (tmp_path / "file").stat().st_mode


def test_saving_twice_writes_the_same_bytes(imputer, model, tmp_path):
    imputer.save(tmp_path / "again")
    assert contents(tmp_path / "again") == contents(model)
    GAINImputer.load(model).save(tmp_path / "handed on")
    assert contents(tmp_path / "handed on") == contents(model)


def test_parameters_come_back_but_the_device_which_is_the_machines(shop, tmp_path):
    params = {
        "missing_values": ["n/a", -1],
        "round_to_grid": False,
        "min_confidence": {"price": np.float64(0.5)},
        "hint_rate": 0.5,
        "max_time_s": 60.0,
        "n_threads": 1,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GainImputeWarning)
        quick_imputer(device="cpu", **params).fit(shop).save(tmp_path / "model")
    loaded = GAINImputer.load(tmp_path / "model").get_params()
    expected = quick_imputer(device="auto", **params).get_params()
    assert loaded == expected
    assert GAINImputer.load(tmp_path / "model", device="cpu").get_params()["device"] == "cpu"


@pytest.mark.parametrize("markers", [np.int64(3), np.array([3, 4]), [np.float32(2.5), "?", pd.NA], {"x"}])
def test_markers_of_any_form_are_saved_as_plain_values(shop, markers, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GainImputeWarning)
        imputer = quick_imputer(missing_values=markers).fit(shop)
    imputer.save(tmp_path / "model")
    loaded = GAINImputer.load(tmp_path / "model")
    assert tuple(loaded.missing_values) == imputer.schema_.missing_values
    pd.testing.assert_frame_equal(loaded.transform(shop), imputer.transform(shop))


@pytest.mark.parametrize(
    "table",
    [
        pd.DataFrame({"a": [1.5, np.nan]}),
        pd.DataFrame({"a": ["x", None, "y"]}),
        pd.DataFrame({"note": [f"a rather long text number {i} to read" for i in range(12)]}),
        pd.DataFrame({"a": [np.nan, np.nan], "b": [1.0, 2.0]}),
    ],
    ids=["one number", "one category", "only texts", "never observed"],
)
def test_even_the_smallest_model_can_be_saved(table, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GainImputeWarning)
        imputer = quick_imputer().fit(table)
    imputer.save(tmp_path / "model")
    pd.testing.assert_frame_equal(GAINImputer.load(tmp_path / "model").transform(table), imputer.transform(table))


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    words=st.lists(texts.filter(bool) | st.sampled_from(WORDS), min_size=2, max_size=5, unique=True),
    name=texts.filter(lambda name: name.encode(errors="ignore").decode() == name),  # a frame's names are Arrow's texts
)
def test_categories_and_names_of_any_characters_come_back(words, name, tmp_path):
    table = pd.DataFrame({name: pd.Series([*words, None] * 4, dtype=object), f"{name} 2": range(4 * len(words) + 4)})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LikelyMarkerWarning)  # of "NULL" and the like
        imputer = quick_imputer(schema={name: "categorical"}).fit(table)
    imputer.save(tmp_path / "model")
    loaded = GAINImputer.load(tmp_path / "model")
    assert loaded.state_.encoder.classes[name].vocabulary == imputer.state_.encoder.classes[name].vocabulary
    assert loaded.transform(table).equals(imputer.transform(table))


def test_the_description_of_a_model_is_json_also_where_nothing_was_held_out(shop, tmp_path):
    imputer = quick_imputer(validation_share=0.0).fit(shop.drop(columns="title"))
    imputer.save(tmp_path / "model")

    def refuse(word: str) -> None:
        raise AssertionError(word)

    json.loads((tmp_path / "model" / "model.json").read_text(encoding="utf-8"), parse_constant=refuse)
    assert imputer.history_["validation_loss"].isna().all()
    pd.testing.assert_frame_equal(GAINImputer.load(tmp_path / "model").history_, imputer.history_)


# ----------------------------------------------------------------------------------- what is refused, and how


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(model, name):
    (model / name).unlink()
    with pytest.raises(
        ModelFormatError, match=rf"must be a model folder, and it lacks \['{name}'\]\. Name another, or fit again"
    ):
        GAINImputer.load(model)


def test_a_path_that_is_not_there_is_no_model(tmp_path):
    with pytest.raises(ModelFormatError, match=r"must be a model in '.*nowhere'\. There is no such folder"):
        GAINImputer.load(tmp_path / "nowhere")


@pytest.mark.parametrize("name", FILES[1:])
@pytest.mark.parametrize(
    "damage",
    [lambda b: b[: len(b) // 2], lambda b: b + b" ", lambda b: b[:0], lambda b: b.replace(b"0", b"1", 1)],
    ids=["truncated", "longer", "empty", "edited"],
)
def test_a_truncated_or_edited_file_is_named(model, name, damage):
    path = model / name
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(
        ModelFormatError, match=rf"'{name}' of the model in '.*' is not what was written: .*truncated or edited"
    ):
        GAINImputer.load(model)


@pytest.mark.parametrize("sums", ["", "nonsense", "0" * 64 + "  model.json\n", "\x00\xff"])
def test_checksums_that_are_none_are_noticed(model, sums):
    (model / "SHA256SUMS").write_text(sums)
    with pytest.raises(ModelFormatError, match="is not what was written"):
        GAINImputer.load(model)


def test_a_newer_format_is_named_with_what_to_do(model):
    rewrite(model, format_version=FORMAT_VERSION + 1)
    told = rf"has format {FORMAT_VERSION + 1}, and .* reads format {FORMAT_VERSION}\. Upgrade gain_impute, or fit again"
    with pytest.raises(ModelFormatError, match=told):
        GAINImputer.load(model)


@pytest.mark.parametrize(
    "changes",
    [
        {"configs": []},
        {"configs": None},
        {"configs": [{}]},
        {"configs": [{"d_hidden": 17}]},
        {"configs": [{"d_hidden": "wide"}]},
        {"configs": [{"no_such": 1}]},
        {"configs": [{}, {}]},
        {"schema": "no toml ["},
        {"schema": 'version = 1\n[columns."x"]\nkind = "nonsense"\n'},
        {"encoders": {"numbers": [], "classes": [], "texts": []}},
        {"history": [{"no_such": 1}]},
        {"members": None},
        {"members": []},
        {"members": [{}]},
        {"members": [{"n_steps": "many", "elapsed_s": 0.0, "experts": None}]},
        {"estimator": {}},
        {"estimator": {"params": {"no_such": 1}}},
        {"estimator": None},
        {"never_observed": 5},
        {"schema": None},
        {"cell_types": None},
        {"seed": None},
    ],
    ids=str,
)
def test_a_description_that_fits_nothing_is_damaged_though_its_checksum_is_right(model, changes):
    rewrite(model, **changes)
    with pytest.raises(ModelFormatError, match=r"is damaged \(.*\)\. Fit again"):
        GAINImputer.load(model)


def places_of(tree: Any, place: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every place in a tree of JSON; of a list, those in its first item."""
    keys = list(tree) if isinstance(tree, dict) else range(min(len(tree), 1)) if isinstance(tree, list) else []
    for key in keys:
        yield (*place, key)
        yield from places_of(tree[key], (*place, key))


@pytest.mark.parametrize("value", [{}, None, "x"], ids=repr)
@pytest.mark.filterwarnings("ignore:X has feature names")  # a model may have none
def test_whatever_stands_in_a_description_it_is_refused_in_loading_or_the_model_fills(model, shop, value):
    description = json.loads((model / "model.json").read_text())
    n_refused = 0
    for place in places_of(description):
        changed = copy.deepcopy(description)
        within = changed
        for key in place[:-1]:
            within = within[key]
        within[place[-1]] = value
        rewrite(model, **changed)
        try:
            loaded = GAINImputer.load(model)
        except ModelFormatError:
            n_refused += 1
        else:
            assert len(loaded.transform(shop.iloc[:2])) == 2, place
    assert n_refused > 20


def test_only_a_fitted_imputer_is_saved(tmp_path):
    with pytest.raises(ValueError, match="not fitted yet"):
        quick_imputer().save(tmp_path / "model")
    assert not (tmp_path / "model").exists()


# --------------------------------------------------------------------------------------- where it is written


def test_a_folder_that_holds_something_else_is_refused_and_untouched(imputer, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "photo.jpg").write_bytes(b"dear to me")
    with pytest.raises(
        FileError, match=r"'.*mine' must be new, empty, or .* It holds other files\. Choose another name"
    ):
        imputer.save(tmp_path / "mine")
    assert contents(tmp_path / "mine") == {"photo.jpg": b"dear to me"}
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_folder_with_a_model_json_of_somebody_else_is_refused(imputer, tmp_path):
    # many tools write a model.json
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "model.json").write_text('{"layers": []}')
    (tmp_path / "mine" / "photo.jpg").write_bytes(b"dear to me")
    with pytest.raises(FileError, match="It holds other files"):
        imputer.save(tmp_path / "mine")
    assert (tmp_path / "mine" / "photo.jpg").read_bytes() == b"dear to me"


def test_a_file_in_the_place_of_the_folder_is_refused_and_untouched(imputer, tmp_path):
    (tmp_path / "model").write_text("a file")
    with pytest.raises(FileError, match=r"A folder must be written to '.*model', and that is a file\. Choose"):
        imputer.save(tmp_path / "model")
    assert (tmp_path / "model").read_text() == "a file"


def test_a_place_that_cannot_be_written_is_named(imputer, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match=r"'.*model' must lie in a folder\. '.*file' is a file\. Choose"):
        imputer.save(tmp_path / "file" / "model")


def test_missing_parents_and_an_empty_folder_will_do(imputer, tmp_path):
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "empty", tmp_path / "new" / "deep" / "model"):
        imputer.save(folder)
        assert sorted(path.name for path in folder.iterdir()) == FILES


def test_a_model_is_replaced_whole_and_nothing_is_left_beside_it(imputer, shop, model, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GainImputeWarning)
        other = quick_imputer(random_state=1).fit(shop)
    other.save(model)
    assert GAINImputer.load(model).state_.model_id() == other.state_.model_id() != imputer.state_.model_id()
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize("step", ["write_bytes", "rename"])
def test_a_write_that_fails_leaves_the_old_model_as_it_was(imputer, model, tmp_path, monkeypatch, step):
    before, original, calls = contents(model), getattr(Path, step), []

    def failing(self, *arguments):  # the disk is full at the second call
        calls.append(self)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        return original(self, *arguments)

    monkeypatch.setattr(Path, step, failing)
    with pytest.raises(FileError, match=r"cannot be written to '.*': No space left on device"):
        imputer.save(model)
    monkeypatch.undo()
    assert contents(model) == before
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize("spelled", ["model", "model/", "./model", "here/../model"])
def test_a_path_may_be_spelled_as_one_likes(imputer, tmp_path, monkeypatch, spelled):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path)
    imputer.save(spelled)
    assert GAINImputer.load(spelled).state_.model_id() == imputer.state_.model_id()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["here", "model"]


def test_a_path_through_the_model_replaces_it(imputer, tmp_path):
    imputer.save(tmp_path / "model")
    imputer.save(tmp_path / "model" / ".." / "model")
    assert GAINImputer.load(tmp_path / "model").state_.model_id() == imputer.state_.model_id()
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_link_goes_on_leading_to_the_model_that_is_replaced(imputer, tmp_path):
    (tmp_path / "latest").symlink_to(tmp_path / "first", target_is_directory=True)  # leads nowhere yet
    for _ in range(2):
        imputer.save(tmp_path / "latest")
        assert sorted(path.name for path in tmp_path.iterdir()) == ["first", "latest"]
        assert (tmp_path / "latest").is_symlink()
        assert GAINImputer.load(tmp_path / "first").state_.model_id() == imputer.state_.model_id()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (".", "is the one that is worked in"),
        ("z" * 300, "File name too long"),
        ("a\0b", "cannot be the name of a file"),
    ],
)
def test_a_name_that_no_model_can_have_is_told(imputer, tmp_path, monkeypatch, name, told):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileError, match=told):
        imputer.save(name)
    assert not list(tmp_path.iterdir())


def test_a_name_may_be_as_long_as_the_system_allows(imputer, tmp_path):
    imputer.save(tmp_path / ("中" * 84))
    assert [path.name for path in tmp_path.iterdir()] == ["中" * 84]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_of_a_model_must_be_finite(model, value):
    description = json.loads((model / "model.json").read_text())
    description["encoders"]["numbers"][0]["minimum"] = value
    rewrite(model, **description)
    with pytest.raises(ModelFormatError, match="is damaged"):
        GAINImputer.load(model)

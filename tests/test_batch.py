"""Files filled part by part: what comes out does not depend on where the parts begin."""

from __future__ import annotations

import copy
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.exceptions import NotFittedError

from gain_impute import GAINImputer, batch
from gain_impute.batch import impute_file, why_left
from gain_impute.cells import CELL_DTYPES
from gain_impute.completion import complete_prepared
from gain_impute.errors import BrokenRuleWarning, ColumnMismatchError, FileError
from gain_impute.files import open_table, read_table
from gain_impute.files.delimited import DelimitedReader
from gain_impute.files.text_table import DelimitedTable
from tests.strategies import quick_imputer, shop_table

N_ROWS = 400
pytestmark = pytest.mark.filterwarnings("ignore:Empty cells of these columns")


@pytest.fixture(scope="module")
def dump(tmp_path_factory) -> Path:
    """The shop's table as texts in a file, a line for each row."""
    path = tmp_path_factory.mktemp("dump") / "dump.csv"
    shop_table(N_ROWS).to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def imputer(dump) -> GAINImputer:
    return quick_imputer(max_steps=20).fit(read_table(open_table(dump))[0].drop(columns="title"))


def in_parts(path: Path, chunk_bytes: int) -> DelimitedTable:
    return DelimitedTable(DelimitedReader(path, chunk_bytes=chunk_bytes))


def test_parts_are_filled_as_the_whole_table_is(tmp_path, dump, imputer):
    frame = read_table(open_table(dump))[0]
    result = imputer.impute(frame[list(imputer.schema_)])
    done = impute_file(imputer, in_parts(dump, 3_000), tmp_path / "out.csv", cells=tmp_path / "cells.csv")
    filled = read_table(open_table(tmp_path / "out.csv"))[0]
    pd.testing.assert_frame_equal(filled[list(imputer.schema_)], result.table)
    pd.testing.assert_series_equal(filled["title"], frame["title"])
    cells = pd.read_csv(tmp_path / "cells.csv", dtype=CELL_DTYPES, keep_default_na=False, na_values=[""])
    expected = result.cells.replace("", pd.NA).astype(CELL_DTYPES)
    pd.testing.assert_frame_equal(cells, expected, rtol=1e-4)  # the last bits of float32 hang on the batch
    summary = result.summary()
    columns = done.columns.reindex(summary.index)
    assert (columns[["empty", "imputed", "unfillable"]] == summary[["empty", "imputed", "unfillable"]]).all(axis=None)
    np.testing.assert_allclose(columns["confidence"], summary["confidence"], rtol=1e-4)
    assert (done.n_rows, done.unreadable) == (N_ROWS, result.unreadable)


@pytest.mark.parametrize("chunk_bytes", [1_000, 5_000, 1 << 22])
def test_where_a_part_begins_changes_no_byte(tmp_path, dump, imputer, chunk_bytes):
    told: list[int] = []
    whole = tmp_path / "whole.csv"
    impute_file(imputer, open_table(dump), whole)
    impute_file(imputer, in_parts(dump, chunk_bytes), tmp_path / "parts.csv", on_rows=told.append)
    assert (tmp_path / "parts.csv").read_bytes() == whole.read_bytes()
    assert told == sorted(told)
    assert told[-1] == N_ROWS


def test_the_number_of_threads_changes_no_byte(tmp_path, dump, imputer):
    outputs = []
    for n_threads in (1, 3):
        filled, cells = tmp_path / f"filled{n_threads}.csv", tmp_path / f"cells{n_threads}.csv"
        fitted = copy.copy(imputer).set_params(n_threads=n_threads)
        impute_file(fitted, in_parts(dump, 1_000), filled, cells=cells)
        outputs.append((filled.read_bytes(), cells.read_bytes()))
    assert outputs[0] == outputs[1]


def test_the_thread_that_reads_fills_parts_too_where_the_others_are_behind(tmp_path, dump, imputer, monkeypatch):
    def fill(*arguments, **options):
        fillers.append(threading.current_thread())
        if fillers[-1] is not threading.main_thread():
            time.sleep(0.05)
        return complete_prepared(*arguments, **options)

    fillers: list[threading.Thread] = []
    impute_file(imputer, in_parts(dump, 1_000), tmp_path / "alone.csv")
    monkeypatch.setattr(batch, "complete_prepared", fill)
    impute_file(imputer, in_parts(dump, 1_000), tmp_path / "helped.csv")
    assert len(fillers) == len(list(in_parts(dump, 1_000).parts()))
    assert {filler is threading.main_thread() for filler in fillers} == {True, False}
    assert (tmp_path / "helped.csv").read_bytes() == (tmp_path / "alone.csv").read_bytes()


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("stop", [KeyboardInterrupt, ValueError])
def test_an_early_end_leaves_no_file_and_no_thread(tmp_path, dump, imputer, n_threads, stop):
    def end(_: int) -> None:
        raise stop

    n_before = threading.active_count()
    fitted = copy.copy(imputer).set_params(n_threads=n_threads)
    with pytest.raises(stop):
        impute_file(fitted, in_parts(dump, 1_000), tmp_path / "out.csv", cells=tmp_path / "cells.csv", on_rows=end)
    assert list(tmp_path.iterdir()) == []
    assert threading.active_count() == n_before


def test_what_is_wrong_with_a_later_part_leaves_no_file(tmp_path, dump, imputer):
    path = tmp_path / "dump.csv"
    path.write_bytes(dump.read_bytes() + b"one field\n")
    with pytest.raises(FileError, match=f"line {N_ROWS + 2} has 1 field"):
        impute_file(imputer, in_parts(path, 1_000), tmp_path / "out.csv")
    assert [found.name for found in tmp_path.iterdir()] == ["dump.csv"]


def test_the_confidence_of_numbers_is_estimated_from_a_sample_where_no_report_is_asked_for(
    tmp_path, dump, imputer, monkeypatch
):
    monkeypatch.setattr(batch, "FIRST_SPREAD_ROWS", 30)
    sampled = impute_file(imputer, in_parts(dump, 20_000), tmp_path / "out.csv").columns
    every = impute_file(imputer, in_parts(dump, 20_000), tmp_path / "all.csv", cells=tmp_path / "cells.csv").columns
    for found in (sampled, every):
        counted = found["histogram"].map(np.sum)
        assert counted.to_numpy() == pytest.approx(found["imputed"].where(found["confidence"].notna(), 0).to_numpy())
    assert sampled.loc["kind", "confidence"] == every.loc["kind", "confidence"]
    assert sampled.loc["weight", "confidence"] != every.loc["weight", "confidence"]
    assert sampled.loc["weight", "confidence"] == pytest.approx(every.loc["weight", "confidence"], abs=0.05)


@pytest.mark.parametrize("row_group_size", [50, 170, N_ROWS])
def test_parquet_is_filled_row_group_by_row_group(tmp_path, row_group_size):
    frame = shop_table(N_ROWS).astype({"colour": "str", "size": "str"})
    path, output = tmp_path / "dump.parquet", tmp_path / "out.parquet"
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), path, row_group_size=row_group_size)
    fitted = quick_imputer().fit(read_table(open_table(path))[0])
    done = impute_file(fitted, open_table(path), output, cells=tmp_path / "cells.parquet")
    before, after = pq.ParquetFile(path), pq.ParquetFile(output)
    sizes = [[f.metadata.row_group(i).num_rows for i in range(f.metadata.num_row_groups)] for f in (before, after)]
    assert sizes[0] == sizes[1]
    assert after.schema_arrow.equals(before.schema_arrow, check_metadata=True)
    whole = fitted.impute(read_table(open_table(path))[0])
    pd.testing.assert_frame_equal(read_table(open_table(output))[0], whole.table)
    cells = pd.read_parquet(tmp_path / "cells.parquet")
    assert cells["position"].tolist() == whole.cells["position"].tolist()
    assert cells["row"].tolist() == whole.cells["row"].tolist()
    assert done.columns["empty"].sum() == len(cells)


def test_what_stays_empty_is_counted_with_its_reason(tmp_path, dump):
    frame = read_table(open_table(dump))[0]
    fitted = quick_imputer().fit(frame)
    done = impute_file(fitted, open_table(dump), tmp_path / "out.csv")
    n_empty = int(frame["title"].isna().sum())
    counts = done.columns.loc["title"]
    assert (counts["empty"], counts["imputed"], counts["unfillable"]) == (n_empty, 0, n_empty)
    assert why_left(fitted, "title", counts) == f"{n_empty} unfillable (text is not filled)"
    assert why_left(fitted, "kind", done.columns.loc["kind"]) == ""


def test_an_attribute_that_does_not_exist_is_left_and_counted(tmp_path, dump, imputer):
    schema = imputer.schema_.replace("stock", applies_when={"kind": ["cup"]})
    frame = read_table(open_table(dump))[0][list(schema)]
    with pytest.warns(BrokenRuleWarning, match="'stock'"):  # the stock of others is known
        fitted = quick_imputer(schema=schema).fit(frame)
    done = impute_file(fitted, open_table(dump), tmp_path / "out.csv")
    filled = read_table(open_table(tmp_path / "out.csv"))[0]
    left = filled["stock"].isna()
    assert 0 < left.sum() == done.columns.loc["stock", "not_applicable"]
    assert not (filled.loc[left, "kind"] == "cup").any()
    assert why_left(fitted, "stock", done.columns.loc["stock"]) == f"{left.sum()} not applicable"


@pytest.mark.parametrize("has_report", [True, False])
def test_cells_of_which_we_are_not_sure_enough_are_left_and_counted(tmp_path, dump, imputer, has_report):
    frame = read_table(open_table(dump))[0][list(imputer.schema_)]
    confidence = imputer.impute(frame).cells.groupby("column")["confidence"].median()
    fitted = copy.copy(imputer).set_params(min_confidence=confidence[["colour", "price"]].to_dict())
    cells = tmp_path / "cells.csv" if has_report else None
    done = impute_file(fitted, open_table(dump), tmp_path / "out.csv", cells=cells)
    filled = read_table(open_table(tmp_path / "out.csv"))[0]
    whole = fitted.impute(frame)
    for name in ("colour", "price"):
        n_left = int((whole.cells.loc[whole.cells["column"] == name, "state"] == "abstained").sum())
        assert 0 < n_left == filled[name].isna().sum() == done.columns.loc[name, "abstained"]
        assert n_left < done.columns.loc[name, "empty"]
        assert why_left(fitted, name, done.columns.loc[name]) == f"{n_left:,} not sure enough"


def test_a_long_table_is_read_as_every_second_row(dump):
    frame = read_table(open_table(dump))[0]
    for most_rows, step in ((N_ROWS, 1), (N_ROWS - 1, 2), (N_ROWS // 2, 2), (N_ROWS // 2 - 1, 4), (10, 64)):
        for table in (open_table(dump), in_parts(dump, 2_000)):
            kept, n_rows = read_table(table, most_cells=most_rows * len(frame.columns))
            assert n_rows == N_ROWS
            pd.testing.assert_frame_equal(kept, frame.iloc[::step], check_index_type=False)


def test_a_column_that_is_missing_leaves_no_file(tmp_path, imputer):
    path = tmp_path / "dump.csv"
    path.write_text("kind,weight\ncup,\n")
    with pytest.raises(ColumnMismatchError, match="missing"):
        impute_file(imputer, open_table(path), tmp_path / "out.csv", cells=tmp_path / "cells.csv")
    assert [found.name for found in tmp_path.iterdir()] == ["dump.csv"]


def test_it_takes_a_fitted_imputer(tmp_path, dump):
    with pytest.raises(NotFittedError):
        impute_file(quick_imputer(), open_table(dump), tmp_path / "out.csv")


def test_the_report_of_cells_does_not_replace_the_filled_file(tmp_path):
    frame = shop_table(60)
    frame.to_csv(tmp_path / "dump.csv", index=False)
    fitted = quick_imputer().fit(frame)
    with pytest.raises(FileError, match="must have a name of its own"):
        impute_file(fitted, open_table(tmp_path / "dump.csv"), tmp_path / "out.csv", cells=tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()

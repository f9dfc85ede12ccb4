"""The command line: what it fills, what it leaves as it was, what it says, and how it ends."""

from __future__ import annotations

import gzip
import logging
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gain_impute import GAINImputer, __version__
from gain_impute.cells import CELL_DTYPES
from gain_impute.cli import run
from gain_impute.cli.options import MECHANISMS
from gain_impute.cli.tune import _quiet_registry
from gain_impute.masking import Mechanism
from gain_impute.schema import read_schema
from tests.servers import runs_in
from tests.shop import PROGRAM, QUICK, SHOP, rows_of, shop_records, text_of

READING = ["--missing", "--encoding", "--delimiter", "--no-header"]
FITTING = [*READING, "--schema", "--seed", "--threads", "--device", "--max-time", "--max-steps"]
VERBS = {
    "impute": ["--output", "-o", "--model", "--cells", "--report", "--min-confidence", *FITTING],
    "fit": ["--model", "-m", "--track", "--min-confidence", *FITTING],
    "schema": ["--output", "-o", *READING],
    "evaluate": ["--model", "--hide", "--mechanism", *FITTING],
    "benchmark": ["--output", "-o", "--data", "--methods", "--hide", "--mechanism", "--seeds", "--processes"],
    "tune": [
        *["--model", "-m", "--trials", "--timeout", "--study", "--storage", "--space", "--objective", "--pruner"],
        *["--register", *FITTING],
    ],
    "runs": ["--most", "-n", "--parts"],
}


def shop_frame() -> pd.DataFrame:
    header, *rows = rows_of(SHOP)
    return pd.DataFrame(rows, columns=header)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(autouse=True)
def shop(tmp_path, monkeypatch):
    """An empty folder to be in, with the shop's table in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop.csv").write_text(SHOP, newline="")
    return tmp_path


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("fitted")
    (folder / "shop.csv").write_text(SHOP, newline="")
    assert run(["fit", str(folder / "shop.csv"), "-m", str(folder / "model"), *QUICK]) == 0
    return str(folder / "model")


def error_of(capsys, arguments: list[str]) -> str:
    """The one line on standard error of a command that must fail."""
    assert run(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    return err


# -------------------------------------------------------------------------------------------------- the face


@pytest.mark.parametrize(("verb", "options"), VERBS.items())
def test_each_verb_explains_its_options(capsys, monkeypatch, verb, options):
    monkeypatch.setenv("COLUMNS", "200")
    assert run([verb, "--help"]) == 0
    text = capsys.readouterr().out
    assert [option for option in options if option not in text] == []


def test_the_program_names_its_verbs_and_no_others(capsys):
    assert run(["--help"]) == 0
    shown = capsys.readouterr().out.partition("Commands")[2]
    assert re.findall(r"^│ (\w+) ", shown, flags=re.MULTILINE) == list(VERBS)


def test_the_program_says_its_version(capsys):
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"gain-impute {__version__}\n"


# ---------------------------------------------------------------------------------------------------- impute


def test_impute_fills_the_empty_fields_and_changes_no_other_byte(capsys, shop):
    assert run(["impute", "shop.csv", "-o", "filled.csv", *QUICK]) == 0
    filled = (shop / "filled.csv").read_bytes().decode()
    expected = shop_records()
    for record, values in zip(expected, rows_of(filled), strict=True):
        for column, field in enumerate(record):
            if field in {"", '""'}:
                assert values[column] in {"Acme", "Bolt"} or 9 <= float(values[column]) <= 28
                record[column] = field[:1] + values[column] + field[1:]
    assert filled == text_of(expected)
    assert names_in(shop) == ["filled.csv", "shop.csv"]


def test_impute_says_what_it_did(capsys):
    assert run(["impute", "shop.csv", "-o", "filled.csv", *QUICK]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    lines = [line.split() for line in err.splitlines()]
    assert lines[0] == ["column", "empty", "filled", "confidence", "left", "empty"]
    assert [line[:3] for line in lines[1:3]] == [["brand", "17", "17"], ["price", "10", "10"]]
    assert [0 <= float(line[3]) <= 1 for line in lines[1:3]] == [True, True]
    assert err.splitlines()[3].startswith("27 of 27 empty cells filled in 60 rows, in ")


def test_impute_says_what_it_left_and_what_it_could_not_read(capsys, shop):
    frame = shop_frame()
    frame.loc[3, "title"], frame.loc[4, "price"] = "", "n.v."
    frame.to_csv("shop.csv", index=False)
    assert run(["impute", "shop.csv", "-o", "filled.csv", *QUICK]) == 0
    err = capsys.readouterr().err
    assert "warning: Empty cells of these columns stay empty: 'title'" in err
    assert "1 unfillable (" in err
    assert "1 cells of 'price' cannot be read as numeric; they stay as they are." in err
    filled = pd.read_csv("filled.csv", dtype=str, keep_default_na=False)
    assert (filled.loc[3, "title"], filled.loc[4, "price"]) == ("", "n.v.")


def test_impute_leaves_what_is_not_sure_enough_by_its_option_or_by_the_models(capsys, shop):
    assert run(["impute", "shop.csv", "-o", "sure.csv", "--min-confidence", "0.999", *QUICK]) == 0
    assert "not sure enough" in capsys.readouterr().err
    left = pd.read_csv("sure.csv")["price"].isna()
    assert left.any()
    assert run(["fit", "shop.csv", "-m", "careful", "--min-confidence", "0.999", *QUICK]) == 0
    assert run(["impute", "shop.csv", "-o", "again.csv", "--model", "careful"]) == 0
    assert (shop / "again.csv").read_bytes() == (shop / "sure.csv").read_bytes()
    assert run(["impute", "shop.csv", "-o", "all.csv", "--model", "careful", "--min-confidence", "0"]) == 0
    assert pd.read_csv("all.csv").notna().all(axis=None)


def bars_of(*shares: str) -> list[str]:
    return [word for share in shares for word in ("--min-confidence", share)]


def test_a_column_may_have_a_least_confidence_of_its_own(shop, model):
    assert run(["impute", "shop.csv", "-o", "filled.csv", "--model", model, *bars_of("brand=1", "price=0")]) == 0
    header, *rows = rows_of((shop / "filled.csv").read_text())
    assert "" in [row[header.index("brand")] for row in rows]
    assert "" not in [row[header.index("price")] for row in rows]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["fit", "shop.csv", "-m", "m", "--max-steps", "0"], "error: --max-steps must be"),
        (["fit", "shop.csv", "-m", "m", "--seed", "-1"], "error: --seed must be"),
        (["fit", "shop.csv", "-m", "m", "--threads", "0"], "error: --threads must be"),
        (["evaluate", "shop.csv", "--hide", "20"], "error: --hide must be"),
        (["fit", "shop.csv", "-m", "m", "--max-step", "5"], "See 'gain-impute fit --help'."),
        (["nosuch"], "See 'gain-impute --help'."),
        (["impute", "dump.xlsx", "-o", "filled.csv"], "'dump.xlsx' is a spreadsheet. Export it as CSV."),
        (["impute", "shop.csv", "-o", "filled.csv", "--model", "nowhere"], "There is no such folder."),
    ],
)
def test_errors_speak_of_options_and_of_the_verbs_own_help(capsys, arguments, told):
    assert told in error_of(capsys, arguments)


def test_a_least_confidence_that_cannot_be_is_refused(capsys, model):
    for arguments in (
        ["impute", "shop.csv", "-o", "out.csv"],
        ["impute", "shop.csv", "-o", "out.csv", "--model", model],
    ):
        assert "--min-confidence must be a number from 0 to 1" in error_of(
            capsys, [*arguments, "--min-confidence", "2"]
        )
        assert "Got 'x=high' instead" in error_of(capsys, [*arguments, "--min-confidence", "x=high"])
        assert "Got both" in error_of(capsys, [*arguments, *bars_of("0.5", "brand=0.9")])
        assert "Did you mean 'brand'?" in error_of(capsys, [*arguments, *bars_of("brnd=0.9")])


@pytest.mark.parametrize(
    "verb", [["impute", "shop.csv", "-o", "out.csv"], ["fit", "shop.csv", "-m", "new"], ["schema", "shop.csv"]]
)
def test_values_that_look_as_if_they_meant_empty_are_asked_about(capsys, shop, verb):
    frame = shop_frame()
    frame.loc[:3, "brand"], frame.loc[4:5, "price"] = "N/A", "-"
    frame.to_csv("shop.csv", index=False)
    options = [] if verb[0] == "schema" else QUICK
    assert run([*verb, *options]) == 0
    told = capsys.readouterr().err
    assert "note: These may mean 'empty', and are taken for values: 'N/A' (4) in 'brand', '-' (2) in 'price'. " in told
    assert "If they do: --missing N/A --missing -\n" in told
    assert run([*verb, *options, "--missing", "N/A", "--missing", "-"]) == 0
    assert "may mean 'empty'" not in capsys.readouterr().err


@pytest.mark.parametrize("verb", [["impute", "-o", "filled.csv"], ["fit", "-m", "model"]], ids=lambda verb: verb[0])
def test_attributes_that_only_some_articles_have_are_asked_about(capsys, shop, verb):
    kind = ["shoe", "cup"] * 60
    heel = [f"{i % 9}.5" if one == "shoe" and i % 5 else "" for i, one in enumerate(kind)]
    pd.DataFrame({"kind": kind, "heel_cm": heel}).to_csv(shop / "shop.csv", index=False)
    assert run([verb[0], "shop.csv", *verb[1:], *QUICK]) == 0
    assert (
        "filled in all: 'heel_cm' (by 'kind'). If they exist only there, say so with applies_when"
        in capsys.readouterr().err
    )


def test_the_same_seed_fills_the_same(shop):
    for name in ("first.csv", "second.csv"):
        assert run(["impute", "shop.csv", "-o", name, "--seed", "3", *QUICK]) == 0
    assert (shop / "first.csv").read_bytes() == (shop / "second.csv").read_bytes()


def test_a_table_without_holes_comes_out_as_it_went_in(shop, model):
    whole = "title,brand,price,stock\r\n\"a\",'x',1.0,2\n\n"
    (shop / "whole.csv").write_text(whole, newline="")
    assert run(["impute", "whole.csv", "-o", "filled.csv", "--model", model]) == 0
    assert (shop / "filled.csv").read_bytes() == whole.encode()


def test_a_header_alone_comes_out_as_it_went_in(shop, model):
    (shop / "head.csv").write_text("title,brand,price,stock", newline="")
    assert run(["impute", "head.csv", "-o", "filled.csv", "--model", model]) == 0
    assert (shop / "filled.csv").read_bytes() == b"title,brand,price,stock"


def test_words_for_empty_are_values_until_they_are_named(shop, model):
    frame = shop_frame()
    frame.loc[[0, 1, 2], "brand"] = ["NA", " ", "null"]
    frame.to_csv("shop.csv", index=False)
    assert run(["impute", "shop.csv", "-o", "kept.csv", *QUICK]) == 0
    kept = pd.read_csv("kept.csv", dtype=str, keep_default_na=False)
    assert kept.loc[:2, "brand"].tolist() == ["NA", " ", "null"]
    assert run(["impute", "shop.csv", "-o", "filled.csv", "--missing", "NA", "--missing", "null", *QUICK]) == 0
    filled = pd.read_csv("filled.csv", dtype=str, keep_default_na=False)
    assert not {"NA", "null"} & set(filled["brand"])
    assert filled["brand"].ne("").all()


def test_the_result_may_go_to_standard_output(capsysbinary, model):
    assert run(["impute", "shop.csv", "-o", "-", "--model", model]) == 0
    out, err = capsysbinary.readouterr()
    assert run(["impute", "shop.csv", "-o", "filled.csv", "--model", model]) == 0
    assert out == Path("filled.csv").read_bytes()
    assert b"27 of 27 empty cells filled" in err


def test_a_table_may_come_from_standard_input(capsysbinary, monkeypatch, model, shop):
    with (shop / "shop.csv").open() as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        assert run(["impute", "-", "-o", "-", "--model", model]) == 0
    piped = capsysbinary.readouterr().out
    assert run(["impute", "shop.csv", "-o", "-", "--model", model]) == 0
    assert capsysbinary.readouterr().out == piped
    assert piped.count(b"\n") == SHOP.count("\n")


def test_the_cells_are_written_to_a_file_of_their_own(model):
    assert run(["impute", "shop.csv", "-o", "filled.csv", "--cells", "cells.csv", "--model", model]) == 0
    cells = pd.read_csv("cells.csv", dtype={"value": str})
    filled = pd.read_csv("filled.csv", dtype=str, keep_default_na=False)
    assert list(cells) == list(CELL_DTYPES)
    assert len(cells) == 27
    assert [filled.loc[row, name] for row, name in zip(cells["position"], cells["column"], strict=True)] == cells[
        "value"
    ].tolist()


def test_a_page_on_what_was_filled_is_written(shop, model):
    assert run(["impute", "shop.csv", "-o", "filled.csv", "--report", "filled.html", "--model", model]) == 0
    page = (shop / "filled.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "27 of 27 empty cells filled" in page
    assert names_in(shop) == ["filled.csv", "filled.html", "shop.csv"]


def test_gzipped_and_other_delimited_files_are_filled(shop, model):
    (shop / "shop.tsv.gz").write_bytes(gzip.compress(SHOP.replace(",", "\t").encode()))
    assert run(["impute", "shop.tsv.gz", "-o", "filled.tsv.gz", "--model", model]) == 0
    tabbed = gzip.decompress((shop / "filled.tsv.gz").read_bytes()).decode()
    assert tabbed.count("\t") == 61 * 3 + SHOP.count("TV,")
    (shop / "shop.csv").write_text(SHOP.replace(",", ";"), newline="")
    assert run(["impute", "shop.csv", "-o", "filled.csv", "--model", model, "--delimiter", ";"]) == 0
    (shop / "shop.csv").write_text(SHOP.replace(",", "\t"), newline="")
    assert run(["impute", "shop.csv", "-o", "tabbed.csv", "--model", model, "--delimiter", "\\t"]) == 0
    assert (shop / "tabbed.csv").read_bytes() == tabbed.encode()


def test_a_parquet_file_keeps_its_types_and_its_other_columns(model):
    frame = shop_frame().replace("", None).astype({"price": "float64", "stock": "int64"})
    table = pa.Table.from_pandas(frame, preserve_index=False).append_column("tags", [[["a"], []] * 30])
    table = table.replace_schema_metadata({b"source": b"shop"})
    pq.write_table(table, "shop.parquet", row_group_size=25)
    table = pq.read_table("shop.parquet")
    assert run(["impute", "shop.parquet", "-o", "filled.parquet", *QUICK]) == 0
    filled = pq.read_table("filled.parquet")
    assert filled.schema.equals(table.schema, check_metadata=True)
    assert [column.null_count for column in filled.columns] == [0] * 5
    assert filled.select(["title", "stock", "tags"]).equals(table.select(["title", "stock", "tags"]))
    for name in ("brand", "price"):
        before, after = table.column(name).to_pylist(), filled.column(name).to_pylist()
        assert [old or new for old, new in zip(before, after, strict=True)] == after
    assert pq.ParquetFile("filled.parquet").metadata.num_row_groups == 3


# ------------------------------------------------------------------------------------------------ with a model


def test_a_model_fills_a_table_whose_columns_stand_in_another_order(model):
    frame = shop_frame()
    frame.to_csv("plain.csv", index=False)
    frame[["stock", "brand", "title", "price"]].to_csv("turned.csv", index=False)
    for name in ("plain", "turned"):
        assert run(["impute", f"{name}.csv", "-o", f"{name}_filled.csv", "--model", model]) == 0
    plain, turned = (pd.read_csv(f"{name}_filled.csv", dtype=str) for name in ("plain", "turned"))
    assert list(turned) == ["stock", "brand", "title", "price"]
    pd.testing.assert_frame_equal(turned[list(plain)], plain)


def test_columns_that_a_model_does_not_know_stay_as_they_are_with_one_warning(capsys, model):
    frame = shop_frame()
    frame.insert(1, "note", ["", "x"] * 30)
    frame.insert(0, "shelf", "")
    frame.to_csv("wide.csv", index=False)
    assert run(["impute", "wide.csv", "-o", "filled.csv", "--model", model]) == 0
    err = capsys.readouterr().err
    assert err.count("warning: ") == 1
    assert "warning: The model does not know the columns 'shelf', 'note'. They stay as they are." in err
    filled = pd.read_csv("filled.csv", dtype=str, keep_default_na=False)
    pd.testing.assert_frame_equal(filled[["shelf", "note"]].astype(object), frame[["shelf", "note"]].astype(object))
    assert filled["brand"].ne("").all()


def test_a_column_that_a_model_needs_must_be_there(capsys, shop, model):
    shop_frame().rename(columns={"price": "cost"}).to_csv("narrow.csv", index=False)
    error = error_of(capsys, ["impute", "narrow.csv", "-o", "filled.csv", "--model", model])
    assert "missing 'price', unexpected 'cost'. Rename them or fit again." in error
    assert names_in(shop) == ["narrow.csv", "shop.csv"]


def test_a_model_is_written_as_python_reads_it_and_replaced(capsys, shop):
    for seed in ("1", "2"):
        assert run(["fit", "shop.csv", "-m", "model", "--seed", seed, *QUICK]) == 0
        assert "60 rows x 4 columns fitted in " in capsys.readouterr().err
    assert GAINImputer.load("model").random_state == 2
    assert names_in(shop) == ["model", "shop.csv"]


def test_a_model_replaces_no_other_folder(capsys, shop):
    (shop / "photos").mkdir()
    (shop / "photos" / "a.jpg").touch()
    assert "It holds other files" in error_of(capsys, ["fit", "none.csv", "-m", "photos"])
    assert names_in(shop / "photos") == ["a.jpg"]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--seed", "1"),
        ("--schema", "S.toml"),
        ("--missing", "NA"),
        ("--preset", "best"),
        ("--max-time", "9"),
        ("--max-steps", "9"),
    ],
)
def test_what_belongs_to_fitting_does_not_go_with_a_model(capsys, model, option, value):
    error = error_of(capsys, ["impute", "shop.csv", "-o", "filled.csv", "--model", model, option, value])
    assert f"--model must stand without {option}." in error


# ---------------------------------------------------------------------------------------- schema and evaluate


def test_a_schema_is_written_corrected_and_used(capsys, shop):
    assert run(["schema", "shop.csv"]) == 0
    text = capsys.readouterr().out
    assert run(["schema", "shop.csv", "-o", "S.toml"]) == 0
    assert (shop / "S.toml").read_text() == text
    assert read_schema("S.toml")["price"].kind == "numeric"
    (shop / "S.toml").write_text(text.replace("[columns.brand]\n", "[columns.brand]\nfill = false\n"))
    assert run(["impute", "shop.csv", "-o", "filled.csv", "--schema", "S.toml", *QUICK]) == 0
    filled = pd.read_csv("filled.csv", dtype=str, keep_default_na=False)
    assert filled["brand"].eq("").sum() == 17
    assert filled["price"].ne("").all()


def test_evaluate_compares_with_what_stood_there(capsys, model):
    assert run(["evaluate", "shop.csv", "--hide", "0.3", "--mechanism", "mcar", *QUICK]) == 0
    text = capsys.readouterr().out
    assert [word for word in ("brand", "price", "mean", "knn", "30%") if word not in text] == []
    assert run(["evaluate", "shop.csv", "--model", model]) == 0
    assert "mcar" in capsys.readouterr().out


# ---------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Missing command"),
        (["fill"], "No such command 'fill'"),
        (["impute", "shop.csv"], "Missing option '--output'"),
        (["impute", "shop.csv", "-o", "out.csv", "--bogus"], "No such option"),
        (["impute", "none.csv", "-o", "out.csv"], "'none.csv' cannot be read: No such file"),
        (["impute", "shop.xls", "-o", "out.csv"], "'shop.xls' is a spreadsheet"),
        (["impute", "none.csv", "-o", "shop.parquet"], "must be in the format of its input"),
        (["impute", "shop.csv", "-o", "shop.csv"], "Each file of a run must have a name of its own"),
        (
            ["impute", "shop.csv", "-o", "out.csv", "--cells", "out.csv"],
            "Each file of a run must have a name of its own",
        ),
        (["impute", "shop.csv", "-o", "out.csv", "--cells", "cells.txt"], "Got 'cells.txt' instead"),
        (["impute", "none.csv", "-o", "none/out.csv"], "The folder of 'none/out.csv' must exist"),
        (["impute", "shop.csv", "-o", "out.csv", "--model", "none"], "There must be a model in 'none'"),
        (["impute", "shop.csv", "-o", "out.csv", "--schema", "none.toml"], "'none.toml' cannot be read"),
        (["impute", "shop.csv", "-o", "out.csv", "--delimiter", ";;"], "The delimiter must be one ASCII character"),
        (["impute", "shop.csv", "-o", "out.csv", "--delimiter", ";"], "Name the delimiter with --delimiter ','"),
        (["impute", "shop.csv", "-o", "out.csv", "--max-steps", "0"], "--max-steps must be"),
        (["impute", "shop.csv", "-o", "out.csv", "--max-steps", "many"], "Invalid value for '--max-steps'"),
        (["impute", "shop.csv", "-o", "out.csv", "--preset", "slow"], "--preset must be one of fast, best. Got 'slow'"),
        (["impute", "shop.csv", "-o", "out.csv", "--threads", "0"], "--threads must be"),
        (["impute", "shop.csv", "-o", "out.csv", "--seed", "-1"], "--seed must be an int from 0 to 2**64 - 1. Got -1"),
        (["impute", "shop.csv", "-o", "out.csv", "--device", "abacus"], "--device must be"),
        (["evaluate", "shop.csv", "--mechanism", "magic"], "magic"),
        (["evaluate", "shop.csv", "--hide", "1.5"], "1.5"),
        (["schema", "shop.csv", "-o", "shop.csv"], "Each file of a run must have a name of its own"),
    ],
)
def test_bad_usage_and_bad_input_are_one_line_and_leave_nothing(capsys, shop, arguments, message):
    assert message in error_of(capsys, arguments)
    assert names_in(shop) == ["shop.csv"]
    assert (shop / "shop.csv").read_bytes() == SHOP.encode()


def test_a_ragged_file_is_an_error_that_names_the_line(capsys, shop):
    (shop / "dump.csv").write_text("a,b\n1,2\n1,2,3\n")
    error = error_of(capsys, ["impute", "dump.csv", "-o", "out.csv"])
    assert "'dump.csv' line 3 has 3 fields where the header has 2. Quote the field, or name the delimiter" in error


@pytest.mark.parametrize("arguments", [["impute", "shop.csv", "-o", "-"], ["evaluate", "shop.csv"]])
def test_a_model_is_named_by_its_short_option_too(shop, model, arguments, capfdbinary):
    assert run([*arguments, "-m", model]) == 0
    by_short_option = capfdbinary.readouterr().out
    assert run([*arguments, "--model", model]) == 0
    assert capfdbinary.readouterr().out == by_short_option


def test_the_help_names_every_reason_why_cells_are_hidden():
    named = re.findall(r"\b(?:mcar|mar|mnar_quantile|mnar|block|copied)\b(?=[);:])", MECHANISMS)
    assert sorted(named) == sorted(Mechanism)


# ------------------------------------------------------------------------------------------------- processes


def test_the_program_runs_as_a_process_without_a_word_of_progress(shop, model):
    command = [*PROGRAM, "impute", "shop.csv", "-o", "-", "--model", model]
    done = subprocess.run(command, capture_output=True, check=True, timeout=120)
    assert len(rows_of(done.stdout.decode())) == 61
    assert done.stderr.startswith(b"column ")
    assert b"\r" not in done.stderr


# -------------------------------------------------------------------------------------------------- tracking, tuning


def test_a_tracked_fit_stands_in_the_list_of_runs_with_its_scores(store, shop, capsys):
    records = shop_records()
    Path("more.csv").write_text(text_of([*records, *records[1:] * 3]), newline="")  # enough to hold cells out
    assert run(["fit", "more.csv", "-m", "model", "--track", *QUICK]) == 0
    assert (Path("model") / "model.json").is_file()
    capsys.readouterr()
    assert run(["runs"]) == 0
    head, line = capsys.readouterr().out.splitlines()
    assert head.split() == ["begun", "run", "status", "score", "mean", "knn", "fit", "s"]
    *_, status, score, mean, knn, seconds = line.split()
    figures = runs_in(store)[0].data.metrics
    assert (status, score, mean, knn) == (
        "finished",
        *(f"{figures[f'score/{name}']:.3f}" for name in ("gain", "mean", "knn")),
    )
    assert float(seconds) >= 0


def test_tuning_writes_the_winner_and_lists_its_trials_only_if_asked(store, shop, capsys):
    Path("space.toml").write_text("d_hidden = { choices = [16, 32] }\n")
    options = ["--trials", "2", "--finalists", "1", "--seeds", "2", "--space", "space.toml", "--storage", "study.log"]
    assert run(["tune", "shop.csv", "-m", "model", "--register", "shop", *options, *QUICK]) == 0
    said = capsys.readouterr().err
    assert "The winner is registered as models:/shop@champion." in said
    assert store.get_model_version_by_alias("shop", "champion").version == 1
    assert "[1/2] trial 0" in said
    assert not re.search("Downloading artifacts|Successfully registered|Created version", said)
    assert "Study 'tune': 2 trials (2 complete)." in said
    assert "Parameters found: d_hidden=" in said or "The defaults stood their ground." in said
    assert GAINImputer.load("model").d_hidden in {16, 32, 192}
    assert run(["runs"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert run(["runs", "--parts", "-n", "100"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1 + len(runs_in(store))


def test_a_study_is_gone_on_with_on_the_command_line(store, shop, capsys):
    Path("space.toml").write_text("d_hidden = [16, 32]\n")
    options = ["--trials", "1", "--finalists", "0", "--space", "space.toml", "--storage", "study.log", "--no-track"]
    for n_trials in (1, 2):
        assert run(["tune", "shop.csv", "-m", "model", *options, *QUICK]) == 0
        assert f"Study 'tune': {n_trials} trials" in capsys.readouterr().err
    assert runs_in(store) == []


def test_mlflow_says_nothing_of_what_it_registers_but_warns(capsys):
    from mlflow.utils.logging_utils import MLFLOW_LOGGING_STREAM, eprint

    logger = logging.getLogger("mlflow.store")
    with _quiet_registry():
        eprint("Created version '1' of model 'shop'.")
        logger.warning("the disk is nearly full")
    said = capsys.readouterr().err
    assert "Created version" not in said
    assert "the disk is nearly full" in said
    assert MLFLOW_LOGGING_STREAM.enabled


def test_a_space_that_is_none_is_one_line_and_exit_code_2(shop, capsys):
    Path("space.toml").write_text("depth = [1, 2]\n")
    assert run(["tune", "shop.csv", "-m", "model", "--space", "space.toml"]) == 2
    assert capsys.readouterr().err.startswith("error: A search space must name hyper-parameters of GAINImputer")


def test_runs_of_a_lost_server_cannot_be_listed(shop, capsys, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    assert run(["runs"]) == 2
    assert "error: The tracking server must answer. 'http://127.0.0.1:9' does not" in capsys.readouterr().err

"""The command line on files as they really are: every way of writing a table, and files that are damaged."""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import itertools
import subprocess
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.every_table import compare
from gain_impute.cli import run
from tests.shop import PROGRAM, QUICK, SHOP

LAW = settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}
ENCODINGS = ["utf-8", "utf-8-sig", "gb18030", "cp1252", "utf-16"]
LINE_ENDS = {"feeds": ["\n"], "returns and feeds": ["\r\n"], "both": ["\r\n", "\n", "\n\n"]}
HEADER = ["title", "brand", "price"]


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> str:
    """A model of titles, brands and prices; its brands are words that every encoding of the matrix has."""
    folder = tmp_path_factory.mktemp("fitted")
    rows = [[f"{'Käse' if i % 2 else 'Brot'} {i}", "Acme" if i % 2 else "Bolt", f"{9 + i % 7}.50"] for i in range(60)]
    pd.DataFrame(rows, columns=HEADER).to_csv(folder / "shop.csv", index=False)
    assert run(["fit", str(folder / "shop.csv"), "-m", str(folder / "model"), *QUICK]) == 0
    return str(folder / "model")


def records(title: str, delimiter: str) -> list[list[str]]:
    """Fields of some products, with holes."""
    return [
        [title, "Acme", "9.50"],
        [f"a{delimiter}b", "", "10.50"],
        [f'15" {title}', "Bolt", ""],
        [title, "", ""],
        ["two\nlines", "Bolt", "11.50"],
    ]


def written(rows: list[list[str]], delimiter: str, ends: list[str], *, quoting: int) -> str:
    """The rows as a file with these line ends, one after the other."""
    lines = []
    for row, end in zip(rows, itertools.cycle(ends), strict=False):
        stream = io.StringIO()
        csv.writer(stream, delimiter=delimiter, quoting=quoting, lineterminator="\r\n").writerow(row)
        lines.append(stream.getvalue().removesuffix("\r\n") + end)
    return "".join(lines)


def holes_filled(rows: list[list[str]], filled: str, delimiter: str) -> list[list[str]]:
    """The rows with what a filled file says in their empty fields."""
    found = [row for row in csv.reader(io.StringIO(filled, newline=""), delimiter=delimiter) if row]
    return [
        [old or new for old, new in zip(before, after, strict=True)] for before, after in zip(rows, found, strict=True)
    ]


# ---------------------------------------------------------------------------------------------------- matrix


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL], ids=["few quotes", "all quoted"])
@pytest.mark.parametrize(("delimiter", "ends"), list(itertools.product(DELIMITERS, LINE_ENDS)))
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_way_of_writing_comes_out_as_it_came_in(tmp_path, model, *, delimiter, encoding, ends, quoting):
    mark, title = DELIMITERS[delimiter], "口红漢|口红" if encoding in {"gb18030", "utf-16"} else "Käse"
    rows = [HEADER, *records(title, mark)]
    source, target = tmp_path / "dump.csv", tmp_path / "filled.csv"
    source.write_bytes(written(rows, mark, LINE_ENDS[ends], quoting=quoting).encode(encoding))
    options = ["--encoding", encoding, "--delimiter", mark]
    assert run(["impute", str(source), "-o", str(target), "--model", model, *options]) == 0
    expected = holes_filled(rows, target.read_bytes().decode(encoding), mark)
    assert all(all(row) for row in expected)
    assert {row[1] for row in expected[1:]} <= {"Acme", "Bolt"}
    assert target.read_bytes() == written(expected, mark, LINE_ENDS[ends], quoting=quoting).encode(encoding)


@pytest.mark.parametrize(("delimiter", "encoding"), [(";", "cp1252"), ("|", "gb18030")])
def test_as_a_process_without_an_option_it_finds_out_by_itself(tmp_path, model, delimiter, encoding):
    title = "雅诗兰黛口红保湿滋润" if encoding == "gb18030" else "Käse für draußen"
    rows = [HEADER, *(row for _ in range(4) for row in records(title, delimiter))]
    text = written(rows, delimiter, ["\r\n"], quoting=csv.QUOTE_MINIMAL)
    (tmp_path / "dump.csv").write_bytes(text.encode(encoding))
    command = [*PROGRAM, "impute", "dump.csv", "-o", "filled.csv", "--model", model]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True, timeout=300)
    filled = (tmp_path / "filled.csv").read_bytes()
    expected = holes_filled(rows, filled.decode(encoding), delimiter)
    assert filled == written(expected, delimiter, ["\r\n"], quoting=csv.QUOTE_MINIMAL).encode(encoding)
    assert b"note: 'dump.csv' is read as " in done.stderr
    assert b"note: 'dump.csv' has " in done.stderr


# ---------------------------------------------------------------------------------------------------- damage


def outcome(source: Path, model: str) -> tuple[int, str, bool]:
    """Exit code, what was said, and whether there is an output, of filling a file."""
    target, said = source.with_name(f"filled{source.suffix}"), io.StringIO()
    target.unlink(missing_ok=True)
    with contextlib.redirect_stderr(said):
        code = run(["impute", str(source), "-o", str(target), "--model", model])
    assert [path.name for path in source.parent.iterdir() if path.name.startswith(".")] == []
    return code, said.getvalue(), target.exists()


def check_outcome(source: Path, model: str) -> int:
    """Every outcome is a filled file or one clear error."""
    code, said, has_output = outcome(source, model)
    assert code in {0, 2}
    assert has_output == (code == 0)
    errors = [line for line in said.splitlines() if line.startswith("error: ")]
    assert len(errors) == (code == 2)
    if code == 2:
        assert said.rstrip("\n").splitlines()[-1] == errors[0]
        assert "Traceback" not in said
    return code


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """Bytes with some cut out, put in, doubled or turned into others."""
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.integers(0, 30)))
        kind = draw(st.sampled_from(["cut", "put", "double", "turn", "end"]))
        new = draw(st.binary(min_size=1, max_size=8) | st.sampled_from([b'"', b",", b"\n", b"\r", b"\0", b",,\n"]))
        piece = content[start:end]
        changed = {"cut": b"", "put": new + piece, "double": piece * 2, "turn": new * (len(piece) > 0), "end": piece}
        content = content[:start] + changed[kind] + (b"" if kind == "end" else content[end:])
    return content


WHOLE = written([HEADER, *records("Käse", ",")], ",", ["\n", "\r\n"], quoting=csv.QUOTE_MINIMAL).encode()


@LAW
@given(content=damaged(WHOLE))
def test_a_damaged_csv_file_is_filled_or_refused(tmp_path, model, content):
    source = tmp_path / "dump.csv"
    source.write_bytes(content)
    if check_outcome(source, model) == 0 and not content.startswith((b"\xff\xfe", b"\xfe\xff")):
        found = compare(source, tmp_path / "filled.csv", delimiter=",", tokens=set())
        assert found.wrong == []


@LAW
@given(content=damaged(gzip.compress(WHOLE, mtime=0)))
def test_a_damaged_gzip_file_is_filled_or_refused(tmp_path, model, content):
    source = tmp_path / "dump.csv.gz"
    source.write_bytes(content)
    check_outcome(source, model)


def parquet_bytes() -> bytes:
    stream = io.BytesIO()
    table = pa.table(
        {"title": ["a", "b", "c"] * 9, "brand": ["Acme", None, "Bolt"] * 9, "price": [9.5, 10.5, None] * 9}
    )
    pq.write_table(table, stream, row_group_size=10)
    return stream.getvalue()


@LAW
@given(content=damaged(parquet_bytes()))
def test_a_damaged_parquet_file_is_filled_or_refused(tmp_path, model, content):
    source = tmp_path / "dump.parquet"
    source.write_bytes(content)
    check_outcome(source, model)


CLEAR = {
    "ragged": (b"title,brand,price\na,b\n", "line 2 has 2 fields where the header has 3"),
    "NUL": (b"title,brand,price\na,\0,1\n", "line 2 holds a NUL byte"),
    "empty": (b"", "must begin with a line of column names. It is empty"),
    "twice": (b"title,brand,title\n", "'title' stands there twice"),
    "never closed": (b'title,brand,price\n"a,b,1\n', "opens a quote that is never closed"),
    "other columns": (b"title,brand,cost\na,,1\n", "missing 'price', unexpected 'cost'"),
}


@pytest.mark.parametrize(("content", "message"), CLEAR.values(), ids=CLEAR)
def test_what_is_wrong_with_a_file_is_one_line(tmp_path, model, content, message):
    source = tmp_path / "dump.csv"
    source.write_bytes(content)
    code, said, has_output = outcome(source, model)
    assert (code, has_output) == (2, False)
    assert message in said
    assert said.count("\n") == 1


def test_a_huge_field_is_filled_past(tmp_path, model):
    source = tmp_path / "dump.csv"
    source.write_bytes(b'title,brand,price\n"' + b"x, " * 400_000 + b'",,9.50\n')
    assert check_outcome(source, model) == 0
    filled = (tmp_path / "filled.csv").read_bytes()
    assert len(filled) - source.stat().st_size == len("Acme")


@pytest.mark.parametrize("name", ["head.csv", "head.parquet"])
def test_only_a_header_is_filled_as_it_is(tmp_path, model, name):
    source = tmp_path / name
    if name.endswith(".csv"):
        source.write_bytes(b"title,brand,price\r\n")
    else:
        pq.write_table(pa.table({name: pa.array([], pa.string()) for name in HEADER}), source)
    assert check_outcome(source, model) == 0


def test_a_cut_file_is_refused(tmp_path, model):
    for name, content in {"dump.csv.gz": gzip.compress(SHOP.encode()), "dump.parquet": parquet_bytes()}.items():
        source = tmp_path / name
        source.write_bytes(content[: len(content) // 2])
        assert check_outcome(source, model) == 2

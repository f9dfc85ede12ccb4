"""Files: what was there comes out byte for byte, what is wrong is named, and nothing is half written."""

from __future__ import annotations

import csv
import errno
import gzip
import io
import itertools
import os
import re
import shutil
import stat
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gain_impute.errors import ColumnMismatchError, ConfigError, FileError
from gain_impute.files import (
    STANDARD_INPUT,
    DelimitedReader,
    Filling,
    as_file,
    check_delimiter,
    check_format,
    check_output,
    check_output_folder,
    frame_writer,
    open_output,
    open_table,
    read_table,
    select_columns,
)
from gain_impute.files.scan import count_lines, scan

LAW = settings(deadline=None)
BOM = b"\xef\xbb\xbf"
LINE_ENDS = ["\n", "\r\n", "\r"]
CHARACTERS = st.sampled_from('ab,;"\r\n \té漢\U0001f4e6')
TEXTS = st.text(CHARACTERS, max_size=6)
BARE_TEXTS = st.text(st.sampled_from('ab;" \té漢\U0001f4e6'), max_size=6).filter(lambda text: not text.startswith('"'))


def write_whole(frame: pd.DataFrame, path: Path) -> None:
    with frame_writer(path) as write:
        write(frame)


def as_quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def as_filled(field: str, text: str) -> str:
    needs_quotes = any(mark in text for mark in ',"\r\n') or text != text.strip(" \t")
    return as_quoted(text) if needs_quotes or field.startswith('"') else text


FIELDS = st.one_of(
    st.sampled_from(["", '""']),
    BARE_TEXTS,
    TEXTS.map(as_quoted),
    st.builds(lambda inside, behind: as_quoted(inside) + behind, TEXTS, BARE_TEXTS),
)


@dataclass(frozen=True)
class Dump:
    """A CSV file in pieces: each record's fields as they are written, its line end, and blank lines behind it."""

    mark: bytes
    records: list[list[str]]
    ends: list[str]

    def to_bytes(self) -> bytes:
        lines = [",".join(fields) + end for fields, end in zip(self.records, self.ends, strict=True)]
        return self.mark + "".join(lines).encode()


@st.composite
def dumps(draw) -> Dump:
    n_columns = draw(st.integers(2, 4))
    rows = draw(st.lists(st.lists(FIELDS, min_size=n_columns, max_size=n_columns), max_size=6))
    records = [[f"c{number}" for number in range(n_columns)], *rows]
    line_end = st.lists(st.sampled_from(LINE_ENDS), min_size=1, max_size=3).map("".join)
    ends = [draw(line_end) for _ in records]
    if draw(st.booleans()):
        ends[-1] = ""
    return Dump(draw(st.sampled_from([b"", BOM])), records, ends)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("files")


@pytest.fixture
def write(tmp_path):
    def write_bytes(content: bytes, name: str = "dump.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write_bytes


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def rows_of_csv_module(content: bytes) -> list[list[str]]:
    text = content.removeprefix(BOM).decode()
    return [row for row in csv.reader(io.StringIO(text, newline="")) if row]


def rows_of(reader: DelimitedReader) -> list[list[str]]:
    chunks = list(reader)
    columns = [[value for chunk in chunks for value in chunk.values(j).to_pylist()] for j in range(len(reader.names))]
    return [reader.names, *([value or "" for value in row] for row in zip(*columns, strict=True))]


def frame_of(path: Path, **options) -> pd.DataFrame:
    return read_table(open_table(path, **options))[0]


def fill(path: Path, cells: dict[tuple[int, str], str], **options) -> bytes:
    """Fill cells given by row number and column."""
    file = open_table(path, **options)
    stream, first_row = io.BytesIO(), 0
    with file.writer(stream) as write_part:
        for part in file.parts():
            fillings: dict[str, Filling] = {}
            for name in file.names:
                here = [row for row, column in cells if column == name and 0 <= row - first_row < part.n_rows]
                rows = np.array(here, dtype=np.int64)
                fillings[name] = Filling(rows - first_row, [cells[row, name] for row in here])
            write_part(part, fillings)
            first_row += part.n_rows
    return stream.getvalue()


# ------------------------------------------------------------------------------------------- delimited: laws


@LAW
@given(dump=dumps(), chunk_bytes=st.integers(1, 40))
def test_a_file_is_read_as_the_csv_module_reads_it(folder, dump, chunk_bytes):
    path = folder / "dump.csv"
    path.write_bytes(dump.to_bytes())
    assert rows_of(DelimitedReader(path, chunk_bytes=chunk_bytes)) == rows_of_csv_module(dump.to_bytes())


@LAW
@given(dump=dumps(), chunk_bytes=st.integers(1, 40))
def test_the_chunks_of_a_file_are_its_bytes(folder, dump, chunk_bytes):
    path = folder / "dump.csv"
    path.write_bytes(dump.to_bytes())
    chunks = list(DelimitedReader(path, chunk_bytes=chunk_bytes))
    assert b"".join(chunk.raw.tobytes() for chunk in chunks) == dump.to_bytes()


@LAW
@given(dump=dumps())
def test_a_file_without_filled_cells_is_written_as_it_was(folder, dump):
    path = folder / "dump.csv"
    path.write_bytes(dump.to_bytes())
    assert fill(path, {}) == dump.to_bytes()


@LAW
@given(dump=dumps(), chunk_bytes=st.integers(1, 40), data=st.data())
def test_filling_changes_the_filled_fields_and_no_other_byte(folder, dump, chunk_bytes, data):
    path = folder / "dump.csv"
    path.write_bytes(dump.to_bytes())
    holes = [(i, j) for i, row in enumerate(dump.records[1:]) for j, field in enumerate(row) if field in {"", '""'}]
    texts = {hole: data.draw(TEXTS.filter(bool)) for hole in holes if data.draw(st.booleans())}
    written, first_row = [], 0
    for chunk in DelimitedReader(path, chunk_bytes=chunk_bytes):
        inside = data.draw(st.permutations([hole for hole in texts if first_row <= hole[0] < first_row + chunk.n_rows]))
        rows, columns = np.array(inside, dtype=np.int64).reshape(-1, 2).T
        new = pa.array([texts[hole] for hole in inside], pa.large_string())
        written.append(chunk.filled(rows - first_row, columns, new))
        first_row += chunk.n_rows
    filled = [list(fields) for fields in dump.records]
    for (row, column), text in texts.items():
        filled[row + 1][column] = as_filled(filled[row + 1][column], text)
    assert b"".join(written) == Dump(dump.mark, filled, dump.ends).to_bytes()


@LAW
@given(
    text=TEXTS.filter(bool), field=st.sampled_from(["", '""']), encoding=st.sampled_from(["utf-8", "utf-16", "gb18030"])
)
def test_what_was_filled_in_is_what_is_read(folder, text, field, encoding):
    path = folder / "dump.csv"
    path.write_bytes(f"a,b\n{field},x\n".encode(encoding))
    path.write_bytes(fill(path, {(0, "a"): text}, delimiter=",", encoding=encoding))
    assert frame_of(path, delimiter=",", encoding=encoding).to_numpy().tolist() == [[text, "x"]]


@settings(deadline=None, max_examples=500)
@given(text=st.text(st.sampled_from('a,"\r\n'), max_size=14))
def test_spans_are_the_fields_of_the_csv_module_whatever_the_text(text):
    content = text.encode()
    found = scan(np.frombuffer(content, dtype=np.uint8), ord(","), is_last=True)
    is_open = rows_of_csv_module(content + b"\nX")[-1:] != [["X"]]
    assert (found.open_quote is not None) == is_open
    if not is_open:
        rows = rows_of_csv_module(content)
        assert found.n_fields.tolist() == [len(row) for row in rows]
        fields = [text[start:end] for start, end in zip(found.starts, found.ends, strict=True)]
        assert [next(csv.reader(io.StringIO(field, newline="")), [""])[0] for field in fields] == list(
            itertools.chain(*rows)
        )


@LAW
@given(text=st.text(st.sampled_from("a\r\n"), max_size=20))
def test_lines_are_counted_as_python_counts_them(text):
    assert count_lines(np.frombuffer(text.encode(), dtype=np.uint8)) == len(re.findall(r"\r\n|\r|\n", text))


# --------------------------------------------------------------------------------------- delimited: examples


def test_only_the_empty_field_is_missing(write):
    frame = frame_of(write(b'a,b\n"",\nNA,None\nnull,n/a\n 0 ,""""\n'))
    assert frame.isna().to_numpy().tolist() == [[True, True], [False] * 2, [False] * 2, [False] * 2]
    assert frame.iloc[1:].to_numpy().tolist() == [["NA", "None"], ["null", "n/a"], [" 0 ", '"']]


def test_numbers_stay_texts(write):
    frame = frame_of(write(b"gtin,price\n0012,1.50\n,\n"))
    assert frame["gtin"].tolist()[0] == "0012"
    assert frame["price"].tolist()[0] == "1.50"


def test_inch_marks_open_no_quotes(write):
    path = write(b'title,width\nTV 55" OLED,\n15.6" laptop,15"\n"3"" pipe, steel",\n')
    assert frame_of(path)["title"].tolist() == ['TV 55" OLED', '15.6" laptop', '3" pipe, steel']
    assert fill(path, {(0, "width"): "a,b"}) == path.read_bytes().replace(b"OLED,\n", b'OLED,"a,b"\n')


def test_a_header_alone_is_a_table_without_rows(write):
    for content in (b"a,b", b"a,b\n", BOM + b"a,b\r\n\r\n"):
        path = write(content)
        assert frame_of(path).shape == (0, 2)
        assert fill(path, {}) == content


def test_an_unnamed_column_is_called_by_its_number(write):
    assert list(frame_of(write(b",a\n0,1\n"))) == ["Unnamed: 0", "a"]


@pytest.mark.parametrize(("name", "mark"), [("dump.tsv", b"\t"), ("dump.csv", b",")])
def test_the_name_of_a_file_says_its_delimiter(write, name, mark):
    path = write(b"a" + mark + b"b;c\n1" + mark + b"2\n", name)
    assert list(frame_of(path)) == ["a", "b;c"]


def test_a_delimiter_can_be_named(write):
    path = write(b"a;b,c\n1;\n")
    assert list(frame_of(path, delimiter=";")) == ["a", "b,c"]


def test_a_gzipped_file_is_read_as_what_it_holds(write):
    content = b"a,b\n1,\n"
    path = write(gzip.compress(content[:4]) + gzip.compress(content[4:]), "dump.csv.gz")  # of two members
    assert fill(path, {(0, "b"): "x"}) == b"a,b\n1,x\n"


def test_a_record_longer_than_a_chunk_is_read(write):
    long = b"x" * 500
    path = write(b'a,b\n"' + long + b'\n",1\n2,3\n')
    assert rows_of(DelimitedReader(path, chunk_bytes=7))[1:] == [[long.decode() + "\n", "1"], ["2", "3"]]


# ----------------------------------------------------------------------------------------- delimited: errors

BAD_FILES = {
    "long row": (b"a,b\n1,2\n\n3,4,5\n", r"'dump.csv' line 4 has 3 fields where the header has 2\. Quote the field"),
    "short row": (b'a,b\n"1\n2",2\n3\n', r"'dump.csv' line 4 has 1 field where the header has 2"),
    "open quote": (b'a,b\n1,2\n3,"4\n5,6\n', r"'dump.csv' line 3 opens a quote that is never closed"),
    "NUL": (b"a,b\n1,\x002\n", r"'dump.csv' line 2 holds a NUL byte"),
    "empty": (b"", r"'dump.csv' must begin with a line of column names\. It is empty"),
    "blank": (BOM + b"\n\r\n", r"'dump.csv' must begin with a line of column names\. It is empty"),
    "twice": (b"a,b,a\n", r"'dump.csv' must have names that differ\. 'a' stands there twice"),
    "latin": (
        b"a,b\n1,2\nxy,caf\xe9\n",
        r"must be UTF-8\. Line 3, character 7 is the byte 0xe9, which is not.*likely Windows-1252 .*--encoding cp1252",
    ),
    "UTF-8, damaged": ("a,b\né,".encode() + b"\xff\n", r"Line 2, character 3 is the byte 0xff.* Mend that byte, or"),
    "UTF-16": (
        "a,b\n".encode("utf-16"),
        r"must be UTF-8\. Its first bytes are the mark of UTF-16-LE\. Name it with --encoding utf-16",
    ),
    "spreadsheet": (b"PK\x03\x04rest", r"It is a ZIP file, as spreadsheets are\. Export it as CSV"),
    "gzip": (gzip.compress(b"a,b\n"), r"It is gzipped\. Add \.gz to its name"),
    "semicolons": (b"a;b\n1;2\n", r"Got the header 'a;b'\. Name the delimiter with --delimiter ';'"),
}


@pytest.mark.parametrize(("content", "message"), BAD_FILES.values(), ids=BAD_FILES)
@pytest.mark.parametrize("chunk_bytes", [3, 1 << 20])
def test_what_is_wrong_with_a_file_is_named(write, monkeypatch, content, message, chunk_bytes):
    path = write(content)
    monkeypatch.chdir(path.parent)
    with pytest.raises(FileError, match=message):
        list(DelimitedReader("dump.csv", chunk_bytes=chunk_bytes))


def test_text_behind_a_closing_quote_belongs_to_the_field(write):
    for mark in (b"", BOM):
        assert frame_of(write(mark + b'a,b\n"x, "y"z",\n"x"y""z,1\n'))["a"].tolist() == ['x, y"z"', 'xy""z']


@pytest.mark.parametrize("chunk_bytes", [4, 5, 6, 50])
def test_lines_are_counted_across_chunks(write, chunk_bytes):
    path = write(b"a,b\r\n" + b"1,2\r\n" * 526 + b"1,2,3\r\n")
    with pytest.raises(FileError, match="line 528 has 3 fields where the header has 2"):
        list(DelimitedReader(path, chunk_bytes=chunk_bytes))


def test_a_damaged_gzip_file_is_an_error(write):
    whole = gzip.compress(b"a,b\n" + os.urandom(99).hex().encode() + b",\n" * 99)
    for content in (whole[:-9], b"a,b\n", whole[:30] + b"\0\0\0\0" + whole[34:]):
        with pytest.raises(FileError, match="must be a whole gzip file"):
            open_table(write(content, "dump.csv.gz"))


def test_a_file_that_cannot_be_opened_is_an_error(tmp_path):
    with pytest.raises(FileError, match=r"none.csv' cannot be read: No such file or directory\. Check"):
        frame_of(tmp_path / "none.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(FileError, match="cannot be read: Is a directory"):
        frame_of(tmp_path / "folder.csv")


def test_a_pipe_is_an_error(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(FileError, match=r"The input must be a file: it is read more than once\. .* Save it first"):
        open_table(tmp_path / "pipe.csv")


# ------------------------------------------------------------------------------------------------ through a pipe


def pipe_of(content: bytes, path: Path) -> Path:
    """A named pipe into which somebody writes."""
    os.mkfifo(path)
    threading.Thread(target=path.write_bytes, args=(content,), daemon=True).start()
    return path


@pytest.fixture
def temporary(tmp_path, monkeypatch) -> Path:
    """The folder for temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def parquet_bytes() -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.table({"a": [1, None]}), stream)
    return stream.getvalue()


def test_a_file_is_given_as_it_is(tmp_path, temporary):
    with as_file(tmp_path / "dump.csv") as file:
        assert file == tmp_path / "dump.csv"
        assert not any(temporary.iterdir())


@pytest.mark.parametrize(
    ("pipe", "content", "name"),
    [
        ("63", b"a,b\n1,2\n", "stdin.csv"),
        ("63", b"", "stdin.csv"),
        ("63", gzip.compress(b"a,b\n1,2\n"), "stdin.csv.gz"),
        ("63", parquet_bytes(), "stdin.parquet"),
        ("dump.tsv", b"a\tb\n1\t2\n", "dump.tsv"),
    ],
    ids=["text", "nothing", "gzipped", "parquet", "named"],
)
def test_what_comes_through_a_pipe_is_in_a_file_as_long_as_it_is_wanted(tmp_path, temporary, pipe, content, name):
    with as_file(pipe_of(content, tmp_path / pipe)) as file:
        assert file.name == name
        assert temporary in file.parents
        assert file.read_bytes() == content
        if content:
            assert open_table(file).names == (["a"] if name.endswith("parquet") else ["a", "b"])
    assert not any(temporary.iterdir())


def test_what_goes_wrong_with_a_pipe_is_said_and_leaves_nothing(tmp_path, temporary, monkeypatch):
    monkeypatch.setattr(shutil, "copyfileobj", Mock(side_effect=OSError(errno.ENOSPC, "No space left on device")))
    with (
        pytest.raises(FileError, match=r"kept in '.*temporary' while .* failed: No space left on device\. Make room"),
        as_file(pipe_of(b"a,b\n", tmp_path / "pipe")),
    ):
        raise AssertionError
    assert not any(temporary.iterdir())


def test_a_terminal_is_no_table(monkeypatch):
    monkeypatch.setattr(sys, "stdin", Mock(isatty=lambda: True))
    with pytest.raises(FileError, match=r"must be a table\. Got a terminal\. Pipe"), as_file(STANDARD_INPUT):
        raise AssertionError


def test_an_unknown_format_is_an_error():
    with pytest.raises(FileError, match=r"'dump.xlsx' is a spreadsheet\. Export it as CSV"):
        frame_of("dump.xlsx")
    with pytest.raises(FileError, match=r"must end in \.csv, .* Got 'dump.json' instead"):
        frame_of("dump.json")
    with pytest.raises(FileError, match=r"must end in \.csv, .* Got 'dump.parquet.gz' instead"):
        frame_of("dump.parquet.gz")


@pytest.mark.parametrize("delimiter", ["", ",,", '"', "\n", "\r", "\0", "é"])
def test_a_delimiter_is_one_plain_character(delimiter):
    with pytest.raises(ConfigError, match="must be one ASCII character"):
        check_delimiter(delimiter)


# --------------------------------------------------------------------------------------------------- Parquet


@pytest.fixture
def parquet(tmp_path) -> Path:
    table = pa.table(
        {
            "sku": pa.array(["a", "b", "c", "d", "e"]),
            "stock": pa.array([2**60 + 1, None, 3, None, 5], pa.int64()),
            "price": pa.array([1.5, None, 2.5, None, None], pa.float32()),
            "brand": pa.array(["x", None, "x", "y", None]).dictionary_encode(),
            "since": pa.array([0, None, 86400, None, None], pa.timestamp("s")),
            "is_new": pa.array([True, None, False, None, None]),
            "tags": pa.array([["t"], [], None, ["u", "v"], None]),
        }
    )
    table = table.replace_schema_metadata({b"source": b"shop"})
    path = tmp_path / "dump.parquet"
    pq.write_table(table, path, row_group_size=2, compression=dict.fromkeys(table.column_names, "gzip"))
    return path


def fill_parquet(path: Path, filled: pd.DataFrame, cells: list[tuple[int, str]]) -> Path:
    """Fill cells given by row number and column with what a filled table holds there."""
    output, first_row = path.with_name("filled.parquet"), 0
    file = open_table(path)
    with open_output(output) as stream, file.writer(stream) as write_part:
        for part in file.parts():
            fillings = {}
            for name in dict.fromkeys(name for _, name in cells):
                rows = np.array([row for row, column in cells if column == name], dtype=np.int64)
                rows = rows[(first_row <= rows) & (rows < first_row + part.n_rows)]
                fillings[name] = Filling(rows - first_row, filled[name].iloc[rows])
            write_part(part, fillings)
            first_row += part.n_rows
    return output


def test_a_parquet_file_without_filled_cells_keeps_all_it_says(parquet):
    output = fill_parquet(parquet, frame_of(parquet), [])
    before, after = pq.ParquetFile(parquet), pq.ParquetFile(output)
    assert after.read().equals(before.read(), check_metadata=True)
    groups = [[file.metadata.row_group(i).num_rows for i in range(3)] for file in (before, after)]
    assert groups == [[2, 2, 1]] * 2
    assert after.metadata.row_group(0).column(0).compression == "GZIP"


def test_filled_parquet_cells_have_the_type_of_their_column(parquet):
    filled = frame_of(parquet).copy()
    filled.loc[1, "stock"], filled.loc[4, "price"], filled.loc[4, "brand"] = 7, 9.5, "y"
    filled.loc[3, "since"], filled.loc[1, "is_new"] = pd.Timestamp("1970-01-03"), True
    cells = [(1, "stock"), (4, "price"), (4, "brand"), (3, "since"), (1, "is_new")]
    output = fill_parquet(parquet, filled[["stock", "price", "brand", "since", "is_new"]], cells)
    before, after = pq.read_table(parquet), pq.read_table(output)
    assert after.schema.equals(before.schema, check_metadata=True)
    expected = before.to_pydict()
    for (row, column), value in zip(cells, [7, 9.5, "y", pd.Timestamp("1970-01-03"), True], strict=True):
        expected[column][row] = value
    assert after.to_pydict() == expected


def test_parquet_integers_are_read_exactly_and_lists_are_left_out(parquet):
    frame = frame_of(parquet)
    assert frame["stock"].iloc[0] == 2**60 + 1
    assert "tags" not in frame


def test_an_index_that_pandas_stored_is_the_index(tmp_path):
    path = tmp_path / "dump.parquet"
    frame = pd.DataFrame({"price": [1.0, None]}, index=pd.Index(["a", "b"], name="sku"))
    frame.to_parquet(path)
    pd.testing.assert_frame_equal(frame_of(path), frame)


def test_a_parquet_file_without_rows_is_written_again(tmp_path):
    path = tmp_path / "dump.parquet"
    pq.write_table(pa.table({"a": pa.array([], pa.int8())}), path)
    assert pq.read_table(fill_parquet(path, frame_of(path), [])).equals(pq.read_table(path))


def test_a_broken_parquet_file_is_an_error(parquet):
    whole = parquet.read_bytes()
    for content in (b"", b"a,b\n1,2\n", whole[:-20], whole[:40] + b"\xff" * 60 + whole[100:]):
        parquet.write_bytes(content)
        with pytest.raises(FileError, match="must be a whole Parquet file"):
            frame_of(parquet)


def test_a_value_that_a_parquet_column_cannot_hold_is_an_error(parquet):
    with pytest.raises(FileError, match="The filled cells of 'stock' must be of its type, int64"):
        fill_parquet(parquet, pd.DataFrame({"stock": ["many"] * 5}), [(1, "stock")])
    assert not parquet.with_name("filled.parquet").exists()


# --------------------------------------------------------------------------------------------------- outputs


def test_an_output_appears_when_it_is_whole(tmp_path):
    path = tmp_path / "out.csv"
    with open_output(path) as stream:
        stream.write(b"whole")
        assert not path.exists()
    assert path.read_bytes() == b"whole"
    assert names_in(tmp_path) == ["out.csv"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, ValueError])
def test_an_output_that_is_not_finished_leaves_nothing(tmp_path, error):
    path = tmp_path / "out.csv"
    path.write_bytes(b"before")

    def write_half():
        with open_output(path) as stream:
            stream.write(b"half")
            raise error

    with pytest.raises(error):
        write_half()
    assert path.read_bytes() == b"before"
    assert names_in(tmp_path) == ["out.csv"]


def test_an_output_has_the_permissions_of_a_new_file_or_of_the_one_before(tmp_path):
    path = tmp_path / "out.csv"
    before = os.umask(0o027)
    try:
        write_whole(pd.DataFrame({"a": [1]}), path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        path.chmod(0o604)
        write_whole(pd.DataFrame({"a": [2]}), path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o604
    finally:
        os.umask(before)


def test_an_output_through_a_link_goes_where_the_link_leads(tmp_path):
    path, link = tmp_path / "out.csv", tmp_path / "link.csv"
    path.write_bytes(b"before")
    link.symlink_to(path)
    write_whole(pd.DataFrame({"a": [1]}), link)
    assert link.is_symlink()
    assert path.read_bytes() == b"a\n1\n"


class Narrow(io.RawIOBase):
    """A raw stream that takes ten bytes at a time, as a pipe may."""

    def __init__(self):
        self.content = b""

    def writable(self):
        return True

    def write(self, part):
        self.content += bytes(part[:10])
        return min(len(part), 10)


def test_standard_output_gets_everything_where_it_is_not_buffered(monkeypatch):
    raw = Narrow()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(raw, write_through=True))
    with open_output("-") as stream:
        stream.write(b"x" * 100_000)
    assert raw.content == b"x" * 100_000
    assert not raw.closed


def test_a_device_is_written_to_and_not_replaced():
    with open_output("/dev/null") as stream:
        stream.write(b"x")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_a_gzipped_output_is_gzipped_and_the_same_each_time(tmp_path):
    path = tmp_path / "out.csv.gz"
    write_whole(pd.DataFrame({"a": [1]}), path)
    content = path.read_bytes()
    assert gzip.decompress(content) == b"a\n1\n"
    write_whole(pd.DataFrame({"a": [1]}), path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("name", ["cells.csv", "cells.tsv", "cells.parquet"])
def test_a_frame_is_written_in_the_format_of_its_name(tmp_path, name):
    write_whole(pd.DataFrame({"a": ["1"], "b": ["x"]}), tmp_path / name)
    assert frame_of(tmp_path / name).to_dict("list") == {"a": ["1"], "b": ["x"]}


def test_an_output_is_never_the_input(write, tmp_path):
    path = write(b"a,b\n")
    (tmp_path / "link.csv").symlink_to(path)
    (tmp_path / "hard.csv").hardlink_to(path)
    for other in (path, tmp_path / "link.csv", tmp_path / "hard.csv", tmp_path / "x" / ".." / "dump.csv"):
        with pytest.raises(FileError, match=r"Each file of a run must have a name of its own\. .* is also .*dump.csv'"):
            check_output(other, apart_from=[path])
    check_output(tmp_path / "other.csv", apart_from=[path, "-"])


def test_an_output_that_cannot_be_written_is_known_before(tmp_path, write):
    with pytest.raises(FileError, match="is a folder"):
        check_output(tmp_path)
    with pytest.raises(FileError, match=r"The folder of .* must exist"):
        check_output(tmp_path / "none" / "out.csv")
    with pytest.raises(FileError, match=r"The folder of .* must exist"):
        check_output(write(b"") / "out.csv")
    with pytest.raises(FileError, match="cannot be written"):
        check_output("/proc/out.csv")
    assert names_in(tmp_path) == ["dump.csv"]


def test_a_model_folder_is_checked_before(tmp_path, write):
    path = write(b"")
    with pytest.raises(FileError, match="is a file"):
        check_output_folder(path, contents=["model.json"])
    with pytest.raises(FileError, match="It holds other files"):
        check_output_folder(tmp_path, contents=["model.json"])
    with pytest.raises(FileError, match="must lie in a folder"):
        check_output_folder(path / "model", contents=["model.json"])
    model = tmp_path / "model"
    model.mkdir()
    (model / "model.json").touch()
    for good in (model, tmp_path / "new", tmp_path / "new" / "newer"):
        check_output_folder(good, contents=["model.json"])
    (model / "notes.txt").touch()
    with pytest.raises(FileError, match="It holds other files"):
        check_output_folder(model, contents=["model.json"])
    assert names_in(tmp_path) == ["dump.csv", "model"]


def test_the_formats_of_input_and_output_are_the_same():
    for good in ("-", "out.csv", "out.csv.gz", "OUT.CSV"):
        check_format(good, "dump.csv")
    for bad in ("out.tsv", "out.parquet"):
        with pytest.raises(FileError, match=r"must be in the format of its input, \.csv"):
            check_format(bad, "dump.csv")
    with pytest.raises(FileError, match="Got '-' instead"):
        check_format("-")


def test_columns_are_selected_by_name():
    table = pd.DataFrame({"a": [1], "b": [2], "c": [3]})
    selected, extra = select_columns(table, ["c", "a"])
    assert list(selected) == ["c", "a"]
    assert extra == ["b"]
    with pytest.raises(ColumnMismatchError, match=r"missing 'd', unexpected 'b'\. Rename them or fit again"):
        select_columns(table, ["c", "a", "d"])


def test_a_name_may_be_as_long_as_the_system_allows(tmp_path):
    output = tmp_path / ("中" * 82 + ".csv")
    check_output(output)
    with open_output(output) as stream:
        stream.write(b"a\n")
    assert output.read_bytes() == b"a\n"


@pytest.mark.parametrize(("name", "told"), [("z" * 300, "File name too long"), ("a\0b", "cannot be the name")])
def test_a_name_that_no_file_can_have_is_told(tmp_path, name, told):
    with pytest.raises(FileError, match=told):
        check_output(tmp_path / name)


def test_only_one_file_of_a_run_is_standard_output():
    check_output("-", apart_from=["input.csv"])
    with pytest.raises(FileError, match="a name of its own"):
        check_output("-", apart_from=["input.csv", "-"])


def test_a_table_whose_texts_hold_carriage_returns_is_read_as_it_was_written(tmp_path):
    frame = pd.DataFrame({"a\rb": ["one\rtwo", "three", ""], "n": [1, 2, 3]})
    write_whole(frame, tmp_path / "cells.csv")
    with (tmp_path / "cells.csv").open(newline="") as stream:
        assert list(csv.reader(stream)) == [["a\rb", "n"], ["one\rtwo", "1"], ["three", "2"], ["", "3"]]


def test_parquet_keeps_a_view_of_texts_that_is_filled(tmp_path):
    table = pa.table({"k": ["a", "b"], "v": pa.array(["x", None], pa.string_view())})
    pq.write_table(table, tmp_path / "in.parquet")
    found = pq.read_table(fill_parquet(tmp_path / "in.parquet", pd.DataFrame({"v": ["x", "y"]}), [(1, "v")]))
    assert found.schema.field("v").type == pa.string_view()
    assert found["v"].to_pylist() == ["x", "y"]

"""Encodings and delimiters: told, guessed and kept; what cannot be read or written is named."""

from __future__ import annotations

import codecs
import gzip
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gain_impute.errors import ConfigError, FileError
from gain_impute.files import Filling, open_table, read_table
from gain_impute.files.delimited import DelimitedReader
from gain_impute.files.encodings import SourceText, byte_order_mark, known_encoding
from gain_impute.files.sniff import likely_encoding, sniff_delimiter
from gain_impute.files.text_table import DelimitedTable

LAW = settings(deadline=None, max_examples=60)
ALPHABETS = {
    "utf-8": "ab, é漢\U0001f4e6|",
    "gb18030": "ab, 漢口红|\U0001f4e6€é",
    "cp1252": "ab, éß€|",
    "latin-1": "ab, éß\x85|",
    "cp1251": "ab, йЖ|",
    "cp932": "ab, ソ表ｱ|",
    "big5": "ab, 功許|",
    "utf-16-le": "ab, é漢\U0001f4e6\u0a0d\u220a|",
    "utf-16-be": "ab, é漢\U0001f4e6|",
    "utf-16": "ab, é漢|",
    "utf-8-sig": "ab, é漢|",
    "utf-32": "ab, é漢|",
}
"""Of each encoding some characters, among them those whose bytes hold a delimiter or a line end."""
SAMPLES = {
    "cp1252": "titel;preis\nKüchenmesser schärfbar;12,5\nFußmatte grün – für draußen;3\n",
    "cp1251": "название,цена\nКухонный нож,12\nКовёр зелёный,30\n",
    "gb18030": "名称,品牌,价格\n雅诗兰黛口红,雅诗兰黛,199\n兰蔻面霜保湿补水,兰蔻,350\n迪奥香水女士持久,迪奥,560\n",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("encodings")


def filled(table: DelimitedTable, text: str) -> bytes:
    """Fill every empty field with a text."""
    stream = io.BytesIO()
    with table.writer(stream) as write_part:
        for part in table.parts():
            frame = part.frame()
            holes = {name: np.flatnonzero(frame[name].isna()) for name in table.names}
            write_part(part, {name: Filling(rows, [text] * len(rows)) for name, rows in holes.items()})
    return stream.getvalue()


# ------------------------------------------------------------------------------------------------------ laws


@LAW
@given(encoding=st.sampled_from(list(ALPHABETS)), delimiter=st.sampled_from(",|;\t"), data=st.data())
def test_whatever_the_encoding_only_the_holes_change(folder, encoding, delimiter, data):
    word = st.text(ALPHABETS[encoding].replace(delimiter, ""), min_size=1, max_size=5).map(lambda text: f"x{text}x")
    rows = data.draw(st.lists(st.lists(st.one_of(word, st.just("")), min_size=3, max_size=3), max_size=8))
    ends = [data.draw(st.sampled_from(["\n", "\r\n"])) for _ in range(len(rows) + 1)]
    new = data.draw(word)

    def written(fill: str) -> bytes:
        records = [["a", "b", "c"], *([field or fill for field in row] for row in rows)]
        lines = (delimiter.join(record) + end for record, end in zip(records, ends, strict=True))
        return "".join(lines).encode(encoding)

    path = folder / "dump.csv"
    path.write_bytes(written(""))
    reader = DelimitedReader(path, delimiter, encoding=encoding, chunk_bytes=data.draw(st.integers(1, 80)))
    assert filled(DelimitedTable(reader), new) == written(new)
    values = read_table(DelimitedTable(reader))[0].fillna("").to_numpy().tolist()
    assert values == rows


@LAW
@given(text=st.text(ALPHABETS["utf-8"] + '"\n\r', max_size=20), encoding=st.sampled_from(["utf-16", "gb18030"]))
def test_a_text_says_the_same_in_every_encoding(folder, text, encoding):
    def read(name: str) -> list[list[str | None]] | str:
        path = folder / "dump.csv"
        path.write_bytes(f"a,b\n{text}".encode(name))
        try:
            return read_table(DelimitedTable(DelimitedReader(path, encoding=name)))[0].to_numpy().tolist()
        except FileError as error:
            return str(error)

    assert str(read(encoding)) == str(read("utf-8"))


# --------------------------------------------------------------------------------------------------- guessed


@pytest.mark.parametrize("encoding", SAMPLES)
def test_an_encoding_is_guessed_with_a_confidence(tmp_path, encoding):
    path = tmp_path / "dump.csv"
    path.write_bytes(SAMPLES[encoding].encode(encoding))
    table = open_table(path)
    assert table.notes[0].endswith(". Name another encoding with --encoding.")
    assert "(confidence " in table.notes[0]
    header, *rows = SAMPLES[encoding].splitlines()
    delimiter = ";" if ";" in header else ","
    assert read_table(table)[0].to_numpy().tolist() == [row.split(delimiter) for row in rows]


def test_utf8_is_read_without_a_word(tmp_path):
    path = tmp_path / "dump.csv"
    for content in ("é,b\n漢,2\n".encode(), codecs.BOM_UTF8 + b"a,b\n", b"a,b\n"):
        path.write_bytes(content)
        assert open_table(path).notes == ()


def test_a_mark_at_the_beginning_decides(tmp_path):
    path = tmp_path / "dump.csv.gz"
    for encoding in ("utf-16", "utf-32"):
        path.write_bytes(gzip.compress("é,b\n漢,2\n".encode(encoding)))
        table = open_table(path)
        assert f"read as {encoding.upper()}-LE (confidence 100%)" in table.notes[0]
        assert table.names == ["é", "b"]


def test_the_first_character_beyond_ascii_may_come_late(tmp_path):
    path = tmp_path / "dump.csv"
    path.write_bytes(b"a,b\n" + b"1,2\n" * 600_000 + "Küche,3\n".encode("cp1252"))
    assert "Windows-1252" in open_table(path).notes[0]


def test_utf8_with_a_flaw_is_utf8_and_the_flaw_is_named(tmp_path):
    path = tmp_path / "dump.csv"
    path.write_bytes(b"a,b\n" + "é,漢\n".encode() * 20 + b"x,\xff\n")
    with pytest.raises(FileError, match=r"must be UTF-8\. Line 22, character 3 is the byte 0xff, .* Mend that byte"):
        read_table(open_table(path))


def test_what_is_no_text_has_no_likely_encoding(tmp_path):
    path = tmp_path / "dump.csv"
    path.write_bytes(b"a,b\n" + bytes(range(1, 256)) * 40)
    with pytest.raises(FileError, match=r"The encoding of .* must be known|line 2 "):
        read_table(open_table(path))


def test_a_file_that_ends_within_a_character_has_no_likely_encoding(tmp_path):
    path = tmp_path / "dump.csv"
    path.write_bytes("\ufeffa,b\n1,2\n".encode("utf-16-le") + b"x")
    with pytest.raises(FileError, match=r"which is not\. Mend that byte"):
        read_table(open_table(path))


def test_a_code_that_stands_for_two_characters_is_refused():
    source = SourceText.decode(b"\x88\x62,1\n", "big5hkscs", n_mark=0, is_last=True)
    with pytest.raises(FileError, match="The bytes of each character must follow from the encoding"):
        source.positions(np.array([0]), np.frombuffer(source.text.encode(), np.uint8))


def test_a_western_text_is_not_taken_for_an_eastern_one():
    for text in ("café", "TV 55 Zoll, 499 €", "x\u00a0y", "Säge"):
        found = likely_encoding(f"a,b\n{text},1\n".encode("cp1252"))
        assert found is not None
        assert found.name == "cp1252"


@pytest.mark.parametrize(
    ("text", "default", "delimiter"),
    [
        ("a;b\n1;2\n", ",", ";"),
        ("a|b\n1|2,5\n", ",", "|"),
        ("a#b\n1#x, y\n", ",", "#"),
        ("a\tb\n1\t2\n", ",", "\t"),
        ("a,b\n1,2\n", "\t", ","),
        ("a,b;c\n1,2;3\n", ",", ","),  # the name's own comes first
        ("a;b|c\n1;2|3\n", ",", ","),  # two that are plain are none
        ("a;b\n1;2;3\n", ",", ","),  # not every record alike
        ("a\n1\n", ",", ","),
        ("", ",", ","),
        ('"a;b";c\n"1;2;3";4\n', ",", ";"),
    ],
)
def test_a_delimiter_is_guessed_where_it_is_plain(tmp_path, text, default, delimiter):
    path = tmp_path / "dump.csv"
    path.write_bytes(text.encode())
    assert sniff_delimiter(path, "utf-8", default) == delimiter


def test_a_guessed_delimiter_is_said(tmp_path):
    path = tmp_path / "dump.csv"
    path.write_bytes(b"a;b\n1;2\n")
    assert open_table(path).notes == (f"{str(path)!r} has ';' between its fields. Name another with --delimiter.",)


# ------------------------------------------------------------------------------------------------------ told


def test_a_file_without_a_header_has_numbered_columns(tmp_path):
    path = tmp_path / "dump.data"
    path.write_bytes(b"1,1,\n2,,b\n")
    table = open_table(path, delimiter=",", has_header=False)
    assert table.names == ["x0", "x1", "x2"]
    assert filled(table, "y") == b"1,1,y\n2,y,b\n"


@pytest.mark.parametrize("name", ["utf-9", "hz", "utf-7", "rot13", "base64", "iso2022_jp", "idna", "\0"])
def test_an_encoding_that_no_table_is_written_in_is_an_error(name):
    with pytest.raises(ConfigError, match="The encoding must be one of a text file"):
        known_encoding(name)


def test_a_mark_and_a_name_must_agree(tmp_path):
    path = tmp_path / "dump.csv"
    path.write_bytes("a,b\n".encode("utf-16"))
    with pytest.raises(FileError, match=r"must be GB18030\. Its first bytes are the mark of UTF-16-LE"):
        open_table(path, encoding="gb18030")
    assert open_table(path, encoding="utf-16").names == ["a", "b"]


def test_utf16_without_a_mark_is_read_as_windows_writes_it(tmp_path):
    path = tmp_path / "dump.csv"
    path.write_bytes("a,b\n1,\n".encode("utf-16-le"))
    assert filled(open_table(path, encoding="utf-16"), "é") == "a,b\n1,é\n".encode("utf-16-le")
    with pytest.raises(FileError, match=r"holds a NUL byte.* name it with --encoding utf-16-le"):
        open_table(path)


@pytest.mark.parametrize("chunk_bytes", [4, 1 << 20])
def test_a_byte_that_the_encoding_does_not_know_is_named(tmp_path, chunk_bytes):
    path = tmp_path / "dump.csv"
    path.write_bytes("a,b\né,2\nxé,".encode("gb18030") + b"\xff\n")
    with pytest.raises(FileError, match=r"must be GB18030\. Line 3, character 4 is the byte 0xff, which is not\."):
        list(DelimitedReader(path, encoding="gb18030", chunk_bytes=chunk_bytes))


def test_a_value_that_the_encoding_cannot_write_is_an_error(tmp_path):
    path = tmp_path / "dump.csv"
    path.write_bytes("a,b\né,\n".encode("cp1252"))
    with pytest.raises(
        FileError, match=r"Windows-1252 has no '漢', and 'x漢' is to be filled in\. Save the file as UTF-8"
    ):
        filled(open_table(path, encoding="cp1252"), "x漢")


def test_marks_are_told_apart():
    assert byte_order_mark("a".encode("utf-32")) == ("utf-32-le", 4)
    assert byte_order_mark("a".encode("utf-16")) == ("utf-16-le", 2)
    assert byte_order_mark(b"a,b") is None

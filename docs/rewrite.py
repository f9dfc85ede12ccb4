"""Run every command that docs/cli.md and docs/data.md show, and write down what it prints.

A block that begins with ``$ gain-impute`` is a picture of the terminal. All commands of a page run one after the other
in a folder of their own, with the files that `prepare` makes. `docs/cli.md` lists the verbs that the program has. A
test fails where a picture differs from what the program prints now::

    python docs/rewrite.py
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import tempfile
from collections.abc import Iterator
from pathlib import Path

import typer

from gain_impute.cli import app, run

__all__ = ["PAGES", "is_training", "pictures", "prepare", "printed", "rewritten", "verbs"]

DOCS = Path(__file__).parent
PAGES = (DOCS / "cli.md", DOCS / "data.md")
CATALOGUE = DOCS.parent / "examples" / "data" / "catalogue.csv"
N_ROWS = 600
WIDTH = "110"

WITH_HEAD = "gain-impute schema dump.csv"
"""The one picture of a schema that shows the comments at its beginning; they are always the same."""

_SCHEMA_HEAD = re.compile(r"^# What each column is.*?^version = 1$", re.DOTALL | re.MULTILINE)
_PICTURE = re.compile(r"```console\n\$ (gain-impute [^\n]*)\n(.*?)```", re.DOTALL)
_VERBS = re.compile(r"(<!-- the verbs, written by docs/rewrite.py -->\n).*?(<!-- end of the verbs -->)", re.DOTALL)


def verbs() -> list[str]:
    """Name the verbs of the program, in its order."""
    return list(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


def pictures(page: str) -> Iterator[tuple[str, str]]:
    """Find the commands of a page and what it says that each prints."""
    for found in _PICTURE.finditer(page):
        yield found[1], found[2]


def is_training(command: str) -> bool:
    """Whether a command trains a network: what it prints is never twice the same."""
    return "--max-steps" in command or "--model" in command


def prepare(folder: Path) -> None:
    """Make the files that the commands work on."""
    lines = CATALOGUE.read_text(encoding="utf-8").splitlines(keepends=True)[: N_ROWS + 1]
    (folder / "dump.csv").write_text("".join(lines), encoding="utf-8", newline="")
    (folder / "ragged.csv").write_text("sku,title,price\na1,mug,7.99\na2,lamp, white,39.99\n", encoding="utf-8")
    (folder / "cut.csv.gz").write_bytes(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03K\xd2")
    german = "sku;titel;marke\n1;Küchenmesser schärfbar;Müller\n2;Fußmatte für draußen;\n3;Käsehobel;Müller\n"
    (folder / "lieferant.csv").write_bytes(german.encode("cp1252"))
    chinese = "编号,名称,品牌\n1,雅诗兰黛口红保湿滋润,雅诗兰黛\n2,兰蔻面霜补水,\n3,兰蔻香水持久淡香,兰蔻\n"
    (folder / "tmall.csv").write_bytes(chinese.encode("gb18030"))
    titles = [f"{number},Müsli groß\n" for number in range(30)]
    (folder / "mixed.csv").write_bytes(f"sku,title\n{''.join(titles)}".encode() + "30,Käse\n".encode("cp1252"))
    (folder / "tokens.csv").write_text("sku,brand,price\n1,Acme,7.99\n2,n/a,-1\n3,Bolt,8.49\n", encoding="utf-8")


def printed(command: str) -> str:
    """Run a command of a page and return what it prints on both of its outputs."""
    written = io.BytesIO()
    said = io.TextIOWrapper(written, encoding="utf-8", write_through=True)
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        run(shlex.split(command)[1:])
    text = "\n".join(line.rstrip() for line in written.getvalue().decode().splitlines()).strip("\n")
    if command != WITH_HEAD:
        text = _SCHEMA_HEAD.sub("# ...\nversion = 1", text)
    return text + "\n" if text else ""


def rewritten(page: str) -> str:
    """Run all commands of a page, in the folder that is current, and put in what they print."""
    section = "".join(f"### {verb}\n\n```console\n$ gain-impute {verb} --help\n```\n\n" for verb in verbs())
    page = _VERBS.sub(lambda found: f"{found[1]}\n{section}{found[2]}", page)
    return _PICTURE.sub(lambda found: f"```console\n$ {found[1]}\n{printed(found[1])}```", page)


@contextlib.contextmanager
def folder_of_commands() -> Iterator[None]:
    """Be in a new folder with the files of `prepare`, before a terminal of a fixed width."""
    before, width = Path.cwd(), os.environ.get("COLUMNS")
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder))
        os.chdir(folder)
        os.environ["COLUMNS"] = WIDTH
        try:
            yield
        finally:
            os.chdir(before)
            os.environ.pop("COLUMNS")
            if width is not None:
                os.environ["COLUMNS"] = width


def main() -> None:
    """Rewrite the pages."""
    for page in PAGES:
        with folder_of_commands():
            page.write_text(rewritten(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()

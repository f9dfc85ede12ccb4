from __future__ import annotations

import re
import warnings
from pathlib import Path

import pytest

from gain_impute.cli import run

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PYTHON_BLOCKS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
OUTPUT = re.search(r"<!-- output of the block above -->\n```text\n(.*?)```", README, flags=re.DOTALL)


def words_of_columns(text: str) -> list[list[str]]:
    """Lines of a printed table as words, without the numbers: their last digits differ between machines."""
    return [[word for word in line.split() if not re.fullmatch(r"[\d.]+|NaN", word)] for line in text.splitlines()]


@pytest.mark.slow
def test_the_python_blocks_run_and_the_first_prints_what_the_readme_shows(tmp_path, monkeypatch, capsys):
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    first, *others = PYTHON_BLOCKS
    assert others
    names: dict[str, object] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        exec(first, names)  # noqa: S102 - our own README
        printed = capsys.readouterr().out
        for block in others:
            exec(block, names)  # noqa: S102
    assert OUTPUT is not None
    assert words_of_columns(printed) == words_of_columns(OUTPUT.group(1))
    assert "gain" in capsys.readouterr().out
    assert (tmp_path / "model" / "model.json").is_file()


def test_every_verb_and_option_that_the_readme_names_exists(capsys):
    lines = re.findall(r"gain-impute ([a-z]+)([^`\n]*)", README)
    assert lines
    for verb, rest in lines:
        assert run([verb, "--help"]) == 0
        described = capsys.readouterr().out
        for option in re.findall(r"--[a-z-]+", rest):
            assert option in described


def test_every_file_that_the_readme_links_to_exists():
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert len(links) >= 5
    assert [link for link in links if not link.startswith("http") and not (ROOT / link).exists()] == []


def test_the_figures_beside_peers_are_those_of_the_results():
    results = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    _, _, told = README.partition("| gain_impute against | error of numbers |")
    rows = [line.strip("|").split(" | ") for line in told.partition("\n\n")[0].splitlines()[2:]]
    assert len(rows) >= 5
    for name, error, error_tables, accuracy, accuracy_tables in ([cell.strip() for cell in row] for row in rows):
        found = re.search(rf"^\| {re.escape(name)} \| (.*) \|$", results, flags=re.MULTILINE)
        assert found is not None, name
        measured = [re.sub(r" \(.*\)", "", cell) for cell in found[1].split(" | ")[:4]]
        shown = [error, error_tables, accuracy, accuracy_tables]
        assert [re.sub(" points| tables", "", cell) for cell in shown] == measured

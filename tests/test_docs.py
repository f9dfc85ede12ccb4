"""The pages about the command line show what it prints."""

from __future__ import annotations

import re

import pytest

from docs.rewrite import PAGES, folder_of_commands, is_training, pictures, printed, rewritten, verbs

TEXTS = {page.name: page.read_text(encoding="utf-8") for page in PAGES}
PICTURES = [(name, *picture) for name, text in TEXTS.items() for picture in pictures(text)]


def words(text: str) -> list[str]:
    """The words of a picture without its numbers and bars: they differ from run to run."""
    return [word for word in text.split() if not re.search(r"\d", word)]


@pytest.mark.parametrize("name", TEXTS)
def test_each_picture_of_help_and_of_errors_is_what_is_printed(name):
    shown = [(command, text) for page, command, text in PICTURES if page == name and not is_training(command)]
    assert shown
    with folder_of_commands():
        for command, text in shown:
            assert printed(command) == text, f"{command}: run python docs/rewrite.py"


@pytest.mark.slow
@pytest.mark.parametrize("name", TEXTS)
def test_each_picture_of_a_training_is_what_is_printed_but_for_its_numbers(name):
    with folder_of_commands():
        again = list(pictures(rewritten(TEXTS[name])))
    for (command, text), (_, new) in zip(pictures(TEXTS[name]), again, strict=True):
        assert words(new) == words(text), f"{command}: run python docs/rewrite.py"


def test_every_verb_has_its_picture():
    shown = re.findall(r"^\$ gain-impute ([a-z]+) --help$", TEXTS["cli.md"], flags=re.MULTILINE)
    assert shown == verbs()

"""What was excluded and why, and what the runs were made with."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from gain_impute.reporting.document import Cell, Figure, Heading, Section, Table
from gain_impute.reporting.scoreboard import Scoreboard, case_of
from gain_impute.reporting.writing import NOTHING, join_names, plural

__all__ = ["show_excluded", "show_setup"]

MACHINE = {"processor": "processor", "n_cores": "cores", "n_threads": "threads", "device": "device", "system": "system"}
NUMBER = re.compile(r"\d[\d,]*")


def show_excluded(board: Scoreboard) -> Section:
    """List the runs that have no scores.

    Parameters
    ----------
    board : Scoreboard
        The results.

    Returns
    -------
    Section
        One row per method, status and reason.
    """
    groups: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for result in board.results:
        if result["status"] != "done":
            key = (str(result["method"]), str(result["status"]), str(result.get("reason") or "no reason was given"))
            groups.setdefault(key, []).append(result)
    if not groups:
        return Section(key="excluded", title="Excluded", sentences=["Nothing: every run has scores."])
    rows = [
        [
            Cell(text=board.title(method)),
            Cell(text=status),
            Cell(text=reason),
            Cell(text=join_names(list(dict.fromkeys(str(case_of(result)) for result in found)))),
            Cell(text=f"{len(found):,}"),
        ]
        for (method, status, reason), found in groups.items()
    ]
    head = [
        *(Heading(text=text, is_number=False) for text in ("method", "status", "reason", "where")),
        Heading(text="runs"),
    ]
    caption = (
        "Runs without scores. They count in no mean and no rank, which favours a method that fails on hard tables."
    )
    return Section(key="excluded", title="Excluded", blocks=[Table(caption=caption, head=head, rows=rows)])


def show_setup(board: Scoreboard) -> Section:
    """Say with which settings, versions and machines the runs were made.

    Parameters
    ----------
    board : Scoreboard
        The results.

    Returns
    -------
    Section
        A table of methods and one of versions; sentences on machines and commits, louder where there are several.
    """
    blocks: list[Table | Figure] = [_settings_table(board), _versions_table(board)]
    return Section(key="setup", title="Settings, versions, machine", sentences=_sentences(board), blocks=blocks)


def _sentences(board: Scoreboard) -> list[str]:
    """Dates, commits and machines."""
    dates = sorted({str(result.get("date") or "unknown") for result in board.results})
    commits = _distinct(board, "commit")
    machines = list(dict.fromkeys(_machine(result.get("machine") or {}) for result in board.results))
    when = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    seeds = plural(len({result["seed"] for result in board.results}), "seed")
    sentences = [
        f"{plural(len(board.results), 'run')}, {when}, {seeds}; commit {join_names(commits)}; {'; '.join(machines)}."
    ]
    if len(machines) > 1:
        sentences.append(
            "Not all runs were made on the same machine: times and memory of different machines cannot be compared."
        )
    if len(commits) > 1:
        sentences.append("Not all runs were made with the same code: an old run may not show what the method does now.")
    return sentences


def _machine(machine: dict[str, Any]) -> str:
    """A machine in words."""
    known = [f"{name} {machine[key]}" for key, name in MACHINE.items() if machine.get(key) is not None]
    return ", ".join(known) or "machine unknown"


def _distinct(board: Scoreboard, key: str) -> list[str]:
    return list(dict.fromkeys(str(result.get(key) or "unknown") for result in board.results))


def _settings_table(board: Scoreboard) -> Table:
    """What each method was run with, and what it says of itself."""
    rows = []
    for method in board.methods:
        results = [result for result in board.results if result["method"] == method]
        settings = dict.fromkeys(_written(result.get("settings") or {}) for result in results)
        notes = _condensed([str(result["note"]) for result in results if result.get("note")], n_runs=len(results))
        n_seeds = len({result["seed"] for result in results})
        said = [Cell(text=" | ".join(settings)), Cell(text="; ".join(notes) or NOTHING)]
        rows.append([Cell(text=board.title(method)), *said, Cell(text=str(n_seeds))])
    head = [*(Heading(text=text, is_number=False) for text in ("method", "settings", "note")), Heading(text="seeds")]
    return Table(
        caption="Settings that are not the method's defaults, and what a reader of its figures must know.",
        head=head,
        rows=rows,
    )


def _condensed(notes: Sequence[str], *, n_runs: int) -> list[str]:
    """Say once what several runs noted with other numbers: how far these reach, and how many runs it was."""
    numbers: dict[tuple[str, ...], list[list[str]]] = {}
    for note in notes:
        numbers.setdefault(tuple(NUMBER.split(note)), []).append(NUMBER.findall(note))
    condensed = []
    for words, found in numbers.items():
        ranges = [_range(list(values)) for values in zip(*found, strict=True)]
        note = "".join(part for pair in zip(words, [*ranges, ""], strict=True) for part in pair)
        condensed.append(note if len(found) == n_runs else f"{note} ({len(found):,} of {plural(n_runs, 'run')})")
    return condensed


def _range(numbers: list[str]) -> str:
    """Numbers as they were written, from the least to the greatest."""
    ordered = sorted(set(numbers), key=lambda number: int(number.replace(",", "")))
    return ordered[0] if len(ordered) == 1 else f"{ordered[0]} to {ordered[-1]}"


def _written(settings: dict[str, Any]) -> str:
    """Settings as `name = value`."""
    return (
        ", ".join(f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in settings.items()) or "defaults"
    )


def _versions_table(board: Scoreboard) -> Table:
    """Every package and the versions that ran."""
    found: dict[str, dict[str, None]] = {}
    for result in board.results:
        for package, version in (result.get("versions") or {}).items():
            found.setdefault(str(package), {})[str(version)] = None
    rows = [[Cell(text=package), Cell(text=", ".join(versions))] for package, versions in found.items()]
    head = [Heading(text=text, is_number=False) for text in ("package", "version")]
    return Table(caption="Versions; several where methods ran in environments of their own.", head=head, rows=rows)

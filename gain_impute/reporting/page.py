"""A report as HTML that opens anywhere, and as Markdown."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from gain_impute.errors import FileError
from gain_impute.files import open_output
from gain_impute.files.output import PathLike
from gain_impute.reporting.cases import show_cases
from gain_impute.reporting.curves import show_calibration, show_cost, show_rates
from gain_impute.reporting.document import Section, Table
from gain_impute.reporting.duels import fight_duels
from gain_impute.reporting.hardest import show_hardest
from gain_impute.reporting.runs import show_excluded, show_setup
from gain_impute.reporting.scoreboard import Scoreboard
from gain_impute.reporting.sizes import asks_for_costs, show_sizes
from gain_impute.reporting.standing import rank_methods
from gain_impute.reporting.suites import show_suites
from gain_impute.reporting.summary import summarise
from gain_impute.reporting.words import explain_words
from gain_impute.reporting.writing import join_names, plural

__all__ = ["render_page", "results_to_markdown", "summarise_results", "write_report"]

TITLE = "Imputation benchmark"
OURS = "gain"
FEW_CASES = 3


def write_report(results: Sequence[dict[str, Any]], folder: PathLike, *, title: str = TITLE, ours: str = OURS) -> Path:
    """Write a report of a benchmark: one HTML file that needs nothing else, and the same as Markdown.

    Parameters
    ----------
    results : sequence of dict
        One per run, as the benchmark writes them.
    folder : str or path
        Where `index.html` and `report.md` go; made if it is not there. Files of these names are replaced, each whole or
        not at all; others are left alone.
    title : str, default="Imputation benchmark"
        Title of the page.
    ours : str, default="gain"
        The method that the report is about. Where it has no scores, the method with the most takes its place.

    Returns
    -------
    Path
        The HTML file.

    Raises
    ------
    TableError
        If there is no result.
    FileError
        If the folder cannot be made, or the files not be written.
    """
    board = Scoreboard.of(results, ours)
    sections = _sections(board)
    page = render_page("sections.html", title=title, subtitle=_subtitle(board), sections=sections)
    text = _to_markdown(board, sections, title)
    place = Path(folder)
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"A folder must be made at {str(folder)!r}: {error.strerror}. Choose another name.") from error
    for name, content in (("report.md", text), ("index.html", page)):
        with open_output(place / name) as stream:
            stream.write(content.encode())
    return place / "index.html"


def results_to_markdown(
    results: Sequence[dict[str, Any]], *, title: str = TITLE, ours: str = OURS, level: int = 1
) -> str:
    """Write the report as Markdown, without its drawings, for terminals and repositories.

    Parameters
    ----------
    results : sequence of dict
        One per run, as the benchmark writes them.
    title : str, default="Imputation benchmark"
        Title of the text.
    ours : str, default="gain"
        The method that the report is about, as in `write_report`.
    level : int, default=1
        Of the heading with the title; more where the text becomes a part of another one.

    Returns
    -------
    str
        Sections with sentences and tables. The columns of each table are shown only where there are at most three
        tables, counting each way of hiding.

    Raises
    ------
    TableError
        If there is no result.
    """
    board = Scoreboard.of(results, ours)
    return _to_markdown(board, _sections(board), title, level=level)


def summarise_results(results: Sequence[dict[str, Any]], *, ours: str = OURS) -> Section:
    """Take the first section of a report, which says in short what came out.

    Parameters
    ----------
    results : sequence of dict
        One per run, as the benchmark writes them.
    ours : str, default="gain"
        The method that the report is about, as in `write_report`.

    Returns
    -------
    Section
        Its points, and the table of ours against each other method, where there is one.

    Raises
    ------
    TableError
        If there is no result.
    """
    judged = _without_costs(Scoreboard.of(results, ours))
    return summarise(judged, fight_duels(judged))


def render_page(template: str, **content: Any) -> str:
    """Fill a template of this package.

    Parameters
    ----------
    template : str
        Its file name; what it shows is escaped where it is HTML.
    **content : object
        What it shows.

    Returns
    -------
    str
        The page.
    """
    return f"{_environment().get_template(template).render(**content)}\n"


def _sections(board: Scoreboard) -> list[Section]:
    """The report, part by part."""
    judged = _without_costs(board)
    duels = fight_duels(judged)
    found = [
        summarise(judged, duels),
        rank_methods(judged),
        show_suites(judged),
        show_cases(judged, duels),
        show_hardest(judged, duels),
        show_rates(judged),
        show_cost(judged),
        show_calibration(judged),
        show_sizes(board),
        show_excluded(board),
        show_setup(board.made),
        explain_words(),
    ]
    return [section for section in found if section and (section.sentences or section.points or section.blocks)]


def _without_costs(board: Scoreboard) -> Scoreboard:
    """The results that count in scores; all of them where a report is on costs alone."""
    scored = [result for result in board.results if not asks_for_costs(result)]
    return Scoreboard.of(scored, board.ours) if 0 < len(scored) < len(board.results) else board


def _subtitle(board: Scoreboard) -> str:
    """What was compared, counted; tables that only ask for time and memory are not."""
    cases = _without_costs(board).cases
    n_tables = len({(case.suite, case.table) for case in cases})
    ways = join_names(list(dict.fromkeys(case.way for case in cases)), most=12)
    counts = f"{plural(len(board.methods), 'method')} on {plural(n_tables, 'table')}"
    return f"{counts}; known cells hidden ({ways}), filled and compared with what stood there"


def _to_markdown(board: Scoreboard, sections: list[Section], title: str, *, level: int = 1) -> str:
    """Sections as Markdown; the parts behind folds only where they are few."""
    text = (
        _environment()
        .get_template("benchmark.md")
        .render(
            title=title,
            subtitle=_subtitle(board),
            sections=sections,
            level=level,
            with_parts=len(_without_costs(board).cases) <= FEW_CASES,
        )
    )
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


@functools.cache
def _environment() -> Environment:
    """Where templates come from, and what they can do."""
    environment = Environment(
        loader=PackageLoader("gain_impute.reporting"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["markdown_table"] = _markdown_table
    environment.filters["markdown_text"] = _markdown_text
    return environment


def _markdown_table(table: Table) -> str:
    """A table of Markdown; the second figure of a cell follows the first in brackets."""
    lines = [
        [_markdown_text(heading.text) for heading in table.head],
        ["---:" if heading.is_number else "---" for heading in table.head],
    ]
    for row in table.rows:
        line = []
        for cell in row:
            text = _markdown_text(cell.text) or " "
            text = f"**{text}**" if cell.mark == "best" else text
            line.append(f"{text} ({_markdown_text(cell.second)})" if cell.second else text)
        lines.append(line)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _markdown_text(text: str) -> str:
    """A text on one line, in which nothing is a mark of Markdown or HTML."""
    text = " ".join(text.split())
    text = re.sub(r"[\\`*|<$]|\b_|_\b(?!\w)", lambda sign: f"\\{sign[0]}", text)
    return text.replace("](", "]\\(")

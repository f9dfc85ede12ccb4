from __future__ import annotations

import copy
import re
from html.parser import HTMLParser
from itertools import pairwise

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gain_impute.benchmark import Job, find_suite, unmade_result
from gain_impute.benchmark.compare import ranking
from gain_impute.errors import FileError, TableError
from gain_impute.reporting import curves, results_to_markdown, write_report
from gain_impute.reporting.gains import _less, gain_over, write_gain
from gain_impute.reporting.scoreboard import CATEGORIES, NUMBERS, PLACES, Scoreboard
from gain_impute.reporting.writing import NOTHING
from tests.made_results import METHODS, make_result, make_results, make_unfinished

HOSTILE = (
    "<script>alert(1)</script>",
    'a"b',
    "a|b\nc",
    "$x$ & &amp;",
    "](javascript:alert(1))",
    "产品",
    "",
    "' onclick='x",
)
VOID = {"meta", "br", "img", "input", "link", "hr"}


class Page(HTMLParser):
    """What a page holds: its text, tags, attributes, tables; fails on tags that are not closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in {"style", "script"}:
            self.text += f"{data} "

    def ids(self) -> list[str]:
        return [str(attrs["id"]) for _, attrs in self.tags if "id" in attrs]


def page_of(results, folder, **kwargs) -> Page:
    return Page(write_report(results, folder, **kwargs).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """A report with everything in it: two ways of hiding, several rates, runs without scores."""
    results = [
        *make_results(mechanisms=("mcar", "block")),
        *make_results(tables=("fashion",), rates=(0.1, 0.3), seeds=(0,)),
        make_unfinished(method="hyperimpute", status="cannot run", reason="its environment is not built"),
        make_unfinished(method="missforest", table="olist"),
    ]
    folder = tmp_path_factory.mktemp("report")
    write_report(results, folder, title="Catalogue <benchmark>")
    return folder


def test_every_method_table_and_excluded_run_is_named(report):
    page = Page((report / "index.html").read_text(encoding="utf-8"))
    text = (report / "report.md").read_text(encoding="utf-8")
    for name in (*(title for title, *_ in METHODS.values()), "hyperimpute", "laptops", "phones", "fashion", "olist"):
        assert name in page.text
        assert name in text
    for said in ("its environment is not built", "it took more than 150 s", "cannot run", "timed out"):
        assert said in page.text
        assert said in text


def test_runs_that_nobody_made_are_named_and_count_among_none(tmp_path):
    results = make_results(tables=("laptops",))
    job = Job(suite="smoke", table="small_shop", mechanism="mcar", rate=0.2, method="mean", seed=0)
    unmade = unmade_result(job, find_suite("smoke"))
    text = results_to_markdown([*results, unmade])
    assert re.search(r"not run.*it has not been run.*small_shop", text)
    assert f"{len(results):,} runs, " in text
    assert results_to_markdown(results).partition("Settings")[2] == text.partition("Settings")[2]


def test_the_page_needs_nothing_but_itself(report):
    page = Page((report / "index.html").read_text(encoding="utf-8"))
    links = [value for _, attrs in page.tags for name, value in attrs.items() if name in {"src", "href"}]
    assert all(str(link).startswith("#") for link in links)
    assert not {"link", "img", "iframe", "object"} & {tag for tag, _ in page.tags}
    assert "@import" not in (report / "index.html").read_text(encoding="utf-8")


def test_names_within_the_page_are_unique_and_links_lead_somewhere(report):
    page = Page((report / "index.html").read_text(encoding="utf-8"))
    assert len(page.ids()) == len(set(page.ids()))
    targets = {str(attrs["href"])[1:] for _, attrs in page.tags if attrs.get("href")}
    assert targets <= set(page.ids())


def test_each_column_of_a_table_can_be_sorted_by_a_button(report):
    page = (report / "index.html").read_text(encoding="utf-8")
    heads = re.findall(r"<thead>(.*?)</thead>", page, flags=re.DOTALL)
    assert heads
    for head in heads:
        assert head.count("<th ") == head.count('<button type="button">') == head.count('scope="col"')


def test_each_drawing_says_what_it_shows_and_is_small(report):
    page = (report / "index.html").read_text(encoding="utf-8")
    drawings = re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL)
    assert len(drawings) > 10
    for drawing in drawings:
        assert re.match(r'<svg [^>]*role="img" aria-label="[^"]+"', drawing)
        assert len(drawing) < 20_000
        assert not re.search(r"#0[0-9]0[0-9]0[0-9]|\\mathdefault", drawing)


def test_every_row_of_a_markdown_table_has_as_many_cells_as_its_head(report):
    lines = (report / "report.md").read_text(encoding="utf-8").splitlines()
    for before, line in pairwise(lines):
        if before.startswith("|") and line.startswith("|"):
            assert len(re.findall(r"(?<!\\)\|", before)) == len(re.findall(r"(?<!\\)\|", line))


def test_hostile_names_are_shown_as_they_are_and_do_nothing(tmp_path):
    categorical = tuple(f"c{name}" for name in HOSTILE)
    results = make_results(
        tables=HOSTILE[:2], numeric=HOSTILE, categorical=categorical, seeds=(0,), methods=("gain", "knn")
    )
    page = page_of(results, tmp_path, title=HOSTILE[0])
    text = " ".join(page.text.split())
    assert all(" ".join(name.split()) in text for name in (*HOSTILE, *categorical))
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert not [attrs for _, attrs in page.tags if any(key.startswith("on") for key in attrs)]
    assert not re.search(r"(?<!\\)<script|\]\(", results_to_markdown(results))


def test_without_results_the_error_says_what_to_do(tmp_path):
    with pytest.raises(TableError, match=r"at least one result. Got none. Run a benchmark first"):
        write_report([], tmp_path)
    with pytest.raises(TableError, match="Got none"):
        results_to_markdown([])
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "taken").write_text("x")
    with pytest.raises(FileError, match=r"A folder must be made at '.*taken'.*Choose another name"):
        write_report(make_results(seeds=(0,)), tmp_path / "taken")


def test_one_method_alone_is_compared_with_nothing():
    text = results_to_markdown(make_results(methods=("knn",)))
    assert "Only 5 nearest neighbours has scores here" in text


def test_without_ours_the_report_is_about_the_method_with_most_scores():
    results = [*make_results(methods=("knn",)), *make_results(methods=("mean",), seeds=(0,))]
    assert "5 nearest neighbours is off by" in results_to_markdown(results)


def test_runs_that_all_failed_are_still_reported():
    results = [make_unfinished(method=name, status="failed", reason="out of memory") for name in ("gain", "knn")]
    for result in results:  # what is written of a run that did not get as far as its table
        for name in ("seconds", "n_rows", "n_columns", "n_hidden", "in_sample", "out_of_sample"):
            result.pop(name)
    text = results_to_markdown(results)
    assert text.count("out of memory") == 2
    assert "2 of 2 runs have no scores" in text


def test_scores_that_are_not_known_are_dashes_and_never_nan():
    results = make_results(tables=("t",), seeds=(0,))
    for result in results:
        for where in ("in_sample", "out_of_sample"):
            result[where]["overall"]["error"] = None
            for column in result[where]["columns"]:
                if column["kind"] == "numeric":
                    column.update(error=None, rmse=None, mae=None, groups={"n": [0] * 20, "loss": [None] * 20})
    text = results_to_markdown(results)
    assert NOTHING in text
    assert "nan" not in text.lower().replace("financ", "").split()


@pytest.mark.parametrize(("kinds", "absent"), [({"categorical": ()}, "accuracy"), ({"numeric": ()}, "RMSE / std")])
def test_a_table_with_one_kind_of_column_has_scores_of_that_kind_only(kinds, absent):
    text = results_to_markdown(make_results(seeds=(0,), **kinds))
    heads = [line for line in text.splitlines() if line.startswith("| method |")]
    assert heads
    assert not [head for head in heads if absent in head]


def test_a_loss_is_told_as_plainly_as_a_win():
    results = make_results(methods=("gain", "mean", "knn"))
    for result in results:  # ours and KNN change places
        result["method"], result["title"] = {
            "gain": ("knn", "5 nearest neighbours"),
            "knn": ("gain", "gain_impute"),
        }.get(result["method"], (result["method"], result["title"]))
    text = results_to_markdown(results)
    assert re.search(r"\d+\s%\s*more than 5 nearest neighbours", text)
    assert "The error of numbers is lower with 5 nearest neighbours on 2 of 2 tables (laptops and phones)" in text
    assert "5 nearest neighbours finds more" in text
    assert "Columns on which another method is better beyond chance" in text


def test_means_are_taken_over_seeds_then_columns_then_tables():
    results = make_results(methods=("gain", "mean"), numeric=("x",), categorical=())
    for result, error in zip(results, (0.1, 0.2, 0.3, 1, 1, 1, 0.5, 0.5, 0.8, 1, 1, 1), strict=True):
        result["in_sample"]["overall"]["error"] = error
    assert "gain_impute is off by 0.400 standard deviations, 60" in results_to_markdown(results)


def test_seeds_that_only_one_of_two_methods_has_do_not_count_between_them():
    tables = ("laptops", "phones", "shoes")
    paired = make_results(tables=tables, seeds=(0,))
    alone = make_results(tables=tables, methods=("gain",), seeds=(1, 2))
    for result in alone:
        for column in (result["in_sample"]["overall"], *result["in_sample"]["columns"]):
            column.update({name: 3 * column[name] for name in ("error", "mae") if column.get(name) is not None})
    before, after = Scoreboard.of(paired, "gain"), Scoreboard.of([*paired, *alone], "gain")
    assert not before.by_case("error", "in_sample").equals(after.by_case("error", "in_sample"))
    for score in (NUMBERS, CATEGORIES):
        for other in before.scored_methods[1:]:
            assert gain_over(after, other, score) == gain_over(before, other, score)
    methods = before.scored_methods
    pd.testing.assert_frame_equal(*(ranking(found.results, methods=methods) for found in (after, before)))


def test_each_suite_and_mechanism_is_compared_by_itself():
    shops, papers = make_results(mechanisms=("mcar", "block")), make_results(suite="paper", seeds=(0,))
    for result in papers:
        if result["method"] == "knn":
            result["in_sample"]["overall"]["error"] = 0.01
    text = results_to_markdown([*shops, *papers]).split("## Suite by suite")[1].split("\n## ")[0]
    assert "| gain_impute against | catalogue, mcar | catalogue, block | paper, mcar |" in text
    cells = re.search(r"\| 5 nearest neighbours \| (.*) \|", text)[1].split(" | ")  # the first table: errors
    parts = [[found for found in shops if found["mechanism"] == how] for how in ("mcar", "block")]
    for cell, part in zip(cells, [*parts, papers], strict=True):
        gains = [gain_over(Scoreboard.of(part, "gain"), "knn", NUMBERS, where).mean for where in PLACES]
        inside, outside = (write_gain(gain, NUMBERS).replace("\N{NO-BREAK SPACE}", " ") for gain in gains)
        assert cell == (f"**{inside}** ({outside})" if gains[0] < 0 else f"{inside} ({outside})")
    assert [cell.startswith("**+") for cell in cells] == [False, False, True]
    assert "| gain_impute | 88 % | 88 % | 88 % |" in text  # covered by draws, of which there are none in new rows
    assert "Suite by suite" not in results_to_markdown(papers)


def test_a_lead_that_rounds_to_nothing_is_not_bold():
    papers = make_results(suite="paper", methods=("gain", "knn"), seeds=(0,))
    for result in papers:
        result["in_sample"]["overall"]["error"] = {"gain": 0.501, "knn": 0.5}[result["method"]]
    text = results_to_markdown([*make_results(), *papers]).split("## Suite by suite")[1]
    last = re.search(r"\| 5 nearest neighbours \| (.*) \|", text)[1].split(" | ")[-1]
    assert last.startswith("+0")


def test_methods_without_a_seed_in_common_are_not_ranked():
    results = [make_result(method="gain", seed=0), make_result(method="mean", seed=1)]
    text = results_to_markdown(results)
    assert "Mean rank" not in text
    assert "Mean rank" in results_to_markdown([*results, make_result(method="mean", seed=0)])
    with pytest.raises(TableError, match=r"none in common"):
        ranking(results)


def test_a_method_that_failed_on_a_hard_table_gains_nothing_by_it():
    easy, hard = make_results(tables=("easy",)), make_results(tables=("hard",), methods=("gain", "mean", "knn"))
    for result in hard:
        if result["method"] == "gain":
            result["in_sample"]["overall"]["error"] = 0.9
    for result in easy:
        if result["method"] == "gain":
            result["in_sample"]["overall"]["error"] = 0.1
    results = [*easy, *hard, make_unfinished(table="hard", method="lightgbm")]
    text = results_to_markdown(results)
    against = text.split("gain_impute against")[1].split("Ranking")[0]
    assert re.search(r"LightGBM chain \| \N{MINUS SIGN}\d+\s% \| 1 of 1", against)  # of the table that both finished


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"n_hidden": 12}, "only 12 hidden cells to judge by"),
        ({"mae": 0.1, "error": 0.9}, "heavy tail: RMSE is 9.0 times the mean absolute error"),
        ({"groups": {"n": [10] * 20, "loss": [100.0] + [1.0] * 19}}, "one in 20 groups of rows makes 84"),
    ],
)
def test_a_poor_score_is_explained_by_what_the_results_say(change, reason):
    results = make_results(tables=("t",), methods=("gain", "mean"), seeds=(0,), numeric=("x",), categorical=())
    for result in results:
        result["in_sample"]["columns"][0].update({"error": 0.9} | change)
    assert reason in results_to_markdown(results)


def test_where_nobody_beats_the_mean_the_other_columns_are_said_to_tell_nothing():
    results = make_results(tables=("t",), seeds=(0,))
    for result in results:
        for column in result["in_sample"]["columns"]:
            column.update({"error": 0.99} if column["kind"] == "numeric" else {"accuracy": 0.4})
    assert "no method does much better than mean / mode" in results_to_markdown(results)


def test_notes_that_differ_in_their_numbers_are_said_once_with_the_range():
    results = [make_result(seed=seed) for seed in range(4)]
    for result, note in zip(results, ["round 9 of 12", "round 10 of 12", "", "of 1,000 rows"], strict=True):
        result["note"] = note
    page = results_to_markdown(results)
    assert "| round 9 to 10 of 12 (2 of 4 runs); of 1,000 rows (1 of 4 runs) |" in page


def test_different_machines_and_commits_are_said():
    results = make_results(seeds=(0,))
    results[0] = {**results[0], "commit": "1234567", "machine": {"processor": "other"}}
    text = results_to_markdown(results)
    assert "Not all runs were made on the same machine" in text
    assert "Not all runs were made with the same code" in text


def test_names_spelt_in_several_ways_have_a_ceiling():
    results = make_results(tables=("t",), seeds=(0,))
    for result in results:
        column = next(found for found in result["in_sample"]["columns"] if found["kind"] == "categorical")
        column.update(normalised_accuracy=0.7321, ceiling=0.381, normalised_ceiling=0.9)
    text = results_to_markdown(results)
    assert "Right once spellings are made alike" in text
    assert "38.1" in text
    assert "73.2" in text


def test_columns_of_a_table_are_in_the_markdown_only_while_tables_are_few():
    assert "weight_kg" in results_to_markdown(make_results(seeds=(0,)))
    many = results_to_markdown(make_results(tables=("a", "b", "c", "d"), seeds=(0,)))
    assert "Categorical columns" not in many


def test_the_report_is_the_same_for_the_same_results_and_leaves_them_alone(tmp_path):
    results = make_results(seeds=(0,), tables=("t",))
    before = copy.deepcopy(results)
    first, second = (write_report(results, tmp_path / name).read_bytes() for name in "ab")
    assert first == second
    assert results == before


def test_other_files_of_the_folder_are_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("x")
    write_report(make_results(seeds=(0,), tables=("t",)), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["index.html", "mine.txt", "report.md"]


@settings(max_examples=10, deadline=None)
@given(
    st.lists(
        st.builds(
            make_result,
            table=st.sampled_from(["a", "b"]),
            method=st.sampled_from(["gain", "mean", "knn", "new"]),
            mechanism=st.sampled_from(["mcar", "block"]),
            rate=st.sampled_from([0.1, 0.3]),
            seed=st.integers(0, 1),
            numeric=st.sampled_from([(), ("x",)]),
            categorical=st.sampled_from([(), ("y",)]),
            n_hidden=st.sampled_from([3, 40]),
        )
        | st.builds(
            make_unfinished, method=st.sampled_from(["gain", "knn", "slow"]), table=st.sampled_from(["a", "c"])
        ),
        min_size=1,
        max_size=6,
        unique_by=lambda found: tuple(found[key] for key in ("table", "method", "mechanism", "rate", "seed")),
    )
)
def test_any_set_of_results_has_a_report(results):
    text = results_to_markdown(results)
    assert text.startswith("# Imputation benchmark")
    assert all(result["table"] in text for result in results)


def test_the_text_can_become_a_part_of_another_one():
    lines = results_to_markdown(make_results(seeds=(0,), tables=("t",)), title="Figures", level=2).splitlines()
    assert lines[0] == "## Figures"
    assert min(len(line.split()[0]) for line in lines[1:] if line.startswith("#")) == 3


def test_tables_of_one_name_in_two_suites_are_told_apart():
    results = [*make_results(tables=("t",), seeds=(0,)), *make_results(tables=("t",), seeds=(0,), suite="paper")]
    text = results_to_markdown(results)
    assert "| t, mcar 20 % (catalogue) |" in text
    assert "| t, mcar 20 % (paper) |" in text


def test_cells_that_are_truly_missing_have_no_rate():
    text = results_to_markdown(make_results(tables=("t",), mechanisms=("truth",), rates=(0.0,), seeds=(0,)))
    assert "| t, truth |" in text
    assert "truth 0" not in text


def test_a_method_without_any_error_is_ahead_of_one_with_some():
    ours, other = pd.Series([0.1, 0.0, 0.2, 0.3]), pd.Series([0.0, 0.0, 0.4, 0.2])
    assert _less(ours, other).round(6).to_list() == [-1.0, 0.0, 0.5, -0.5]


def test_an_interval_promises_no_more_than_its_draws_can_hold(monkeypatch):
    drawn = []
    monkeypatch.setattr(curves, "draw_reliability", lambda lines, **_: drawn.append(lines) or str)
    results = [result | {"suite_settings": {"n_draws": 20}} for result in make_results()]
    curves.show_calibration(Scoreboard(results, "gain"))
    _, _, promised, held = drawn[-1]["gain"]
    assert promised == pytest.approx([0.5, 0.8, 0.9, 19 / 21])
    assert held == pytest.approx([0.52, 0.79, 0.88, 0.93])

"""The page of a report in a browser: skipped where none is installed."""

from __future__ import annotations

import shutil

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

from gain_impute.reporting import write_report
from gain_impute.reporting.writing import NOTHING
from tests.made_results import make_results, make_unfinished

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
WIDTHS = {"phone": 360, "desktop": 1280}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (BROWSER and DRIVER), reason="Chromium and its driver are not installed"),
]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A report whose names are as long as they come, in a browser that reaches no network."""
    long = "a_name_without_any_place_to_break_it_that_goes_on_and_on_and_on"
    results = [
        *make_results(seeds=(0,), numeric=("price", long), categorical=("brand", "<b>bold</b>")),
        *make_results(tables=(long,), rates=(0.1, 0.3), methods=("gain", "mean", "knn"), seeds=(0,)),
        make_unfinished(method="hyperimpute", status="cannot run", reason=f"its environment {long} is not built"),
    ]
    file = write_report(results, tmp_path_factory.mktemp("report"), title=f"Benchmark of {long}")
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    profile = tmp_path_factory.mktemp("profile")
    for flag in ("headless", "no-sandbox", "disable-gpu", "disable-background-networking", f"user-data-dir={profile}"):
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options=options, service=Service(DRIVER))
    try:
        browser.get(file.as_uri())
        yield browser
    finally:
        browser.quit()


def set_width(page, device):
    """Look at the page as a device does that is so many pixels wide."""
    screen = {"width": WIDTHS[device], "height": 800, "deviceScaleFactor": 1, "mobile": device == "phone"}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)


def first_cells(table):
    return [row.find_element(By.TAG_NAME, "th").text for row in table.find_elements(By.CSS_SELECTOR, "tbody tr")]


@pytest.mark.parametrize("device", WIDTHS)
@pytest.mark.parametrize("is_open", [False, True], ids=["folded", "unfolded"])
def test_nothing_is_wider_than_the_screen(page, device, is_open):
    set_width(page, device)
    page.execute_script("document.querySelectorAll('details').forEach((part) => { part.open = arguments[0] })", is_open)
    assert page.execute_script("return innerWidth") == WIDTHS[device]
    assert page.execute_script("return document.documentElement.scrollWidth") <= WIDTHS[device]


def test_the_page_asks_for_nothing_and_reports_no_error(page):
    assert page.execute_script("return performance.getEntriesByType('resource').length") == 0
    assert page.get_log("browser") == []


def test_a_click_on_a_head_sorts_by_number_and_a_second_one_turns_the_order(page):
    set_width(page, "desktop")
    table = page.find_element(By.CSS_SELECTOR, "#summary table")
    head = table.find_elements(By.CSS_SELECTOR, "thead th")[1]
    orders = []
    for expected in ("ascending", "descending"):
        head.find_element(By.TAG_NAME, "button").click()
        assert head.get_attribute("aria-sort") == expected
        cells = table.find_elements(By.CSS_SELECTOR, "tbody tr td:nth-child(2)")
        orders.append([int(cell.text.split()[0].replace("\N{MINUS SIGN}", "-")) for cell in cells])
    assert orders[0] == sorted(orders[0])
    assert orders[1] == orders[0][::-1]
    assert len(orders[0]) == 4


def test_a_table_is_sorted_by_names_from_the_keyboard_and_shows_only_one_order(page):
    table = page.find_element(By.CSS_SELECTOR, "#summary table")
    heads = table.find_elements(By.CSS_SELECTOR, "thead th")
    heads[2].find_element(By.TAG_NAME, "button").click()
    heads[0].find_element(By.TAG_NAME, "button").send_keys("\n")
    assert first_cells(table) == sorted(first_cells(table), key=str.lower)
    assert [head.get_attribute("aria-sort") for head in heads] == ["ascending"] + [None] * (len(heads) - 1)


def test_what_is_not_known_stays_last_in_either_order(page):
    table = next(
        found
        for found in page.find_elements(By.CSS_SELECTOR, "#tables > .scroll table")
        if NOTHING in found.get_attribute("textContent")
    )
    column = 1 + next(
        index
        for index, cell in enumerate(table.find_elements(By.CSS_SELECTOR, "tbody tr:last-child > *"))
        if cell.get_attribute("textContent").strip() == NOTHING
    )
    for _ in range(2):
        table.find_element(By.CSS_SELECTOR, f"thead th:nth-child({column}) button").click()
        cells = [cell.text for cell in table.find_elements(By.CSS_SELECTOR, f"tbody tr > :nth-child({column})")]
        n_unknown = cells.count(NOTHING)
        assert n_unknown
        assert cells[-n_unknown:] == [NOTHING] * n_unknown


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_letters_stand_out_from_the_paper(page, scheme):
    page.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )
    colors = page.execute_script(
        "const style = getComputedStyle(document.body); return [style.color, style.backgroundColor,"
        " getComputedStyle(document.querySelector('.quiet')).color,"
        " getComputedStyle(document.querySelector('svg text')).fill]"
    )
    ink, paper, *others = (_luminance(color) for color in colors)
    assert (paper > ink) == (scheme == "light")
    for color in (ink, *others):
        low, high = sorted((color, paper))
        assert (high + 0.05) / (low + 0.05) >= 4.5  # what WCAG asks of text


def _luminance(color: str) -> float:
    """Relative luminance of `rgb(r, g, b)`, as WCAG defines it."""
    parts = [int(part) / 255 for part in color[color.index("(") + 1 : -1].split(",")[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

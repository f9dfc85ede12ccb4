"""What was promised of real tables, which are not part of the repository; GAIN_IMPUTE_DATA names their folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks.schema_kinds import READINGS, answers

DATA = Path(os.environ.get("GAIN_IMPUTE_DATA", "../shared/data"))

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.slow,
    pytest.mark.skipif(not (DATA / "kinds.toml").is_file(), reason="the real tables are not here"),
]


@pytest.mark.parametrize("reading", READINGS)
def test_a_careful_person_accepts_nearly_all_kinds_that_are_inferred(reading):
    found = list(answers(DATA, reading, "500 rows"))
    rejected = [(answer.table, answer.column, answer.kind) for answer in found if not answer.is_accepted]
    assert len(found) == 272
    assert len(rejected) <= 0.05 * len(found), rejected

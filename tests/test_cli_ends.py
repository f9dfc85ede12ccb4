"""How the program ends: whole, or leaving what was there; also when it is stopped, and when there is no room."""

from __future__ import annotations

import os
import pty
import signal
import stat
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from gain_impute.cli import run
from tests.shop import PROGRAM, QUICK, SHOP

LITTLE_ROOM = """
import resource, sys
from gain_impute.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)),) * 2)
main()
"""
BEFORE = b"what was there"
LONG = "1000"  # training steps: the terminal shows something after each 40
LONGEST_S = 300  # of a test; nothing waits for it but a defect


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("fitted")
    (folder / "shop.csv").write_text(SHOP, newline="")
    assert run(["fit", str(folder / "shop.csv"), "-m", str(folder / "model"), *QUICK]) == 0
    return str(folder / "model")


@pytest.fixture(autouse=True)
def shop(tmp_path, monkeypatch) -> Path:
    """A folder to be in, with a short table, a long one, and an output of an earlier run."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop.csv").write_text(SHOP, newline="")
    (tmp_path / "out.csv").write_bytes(BEFORE)
    (tmp_path / "out.csv.gz").write_bytes(BEFORE)
    return tmp_path


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def write_long(path: Path, n_times: int = 4_000) -> None:
    """The shop's table many times over: seconds of work."""
    header, _, rows = SHOP.partition("\n")
    path.write_text(f"{header}\n" + f"{rows}\n" * n_times, newline="")


def stopped(command: list[str], number: int, *, when) -> tuple[int, bytes]:
    """Exit code and standard error of a program that gets a signal once something has happened."""
    master, slave = pty.openpty()  # a terminal, for there the program shows how far it is
    termios.tcsetwinsize(slave, (24, 100))
    with subprocess.Popen(command, stderr=slave, stdin=subprocess.DEVNULL) as process:
        os.close(slave)
        said = b""
        os.set_blocking(master, False)
        deadline = time.monotonic() + LONGEST_S
        while not when(said):
            assert process.poll() is None, said
            assert time.monotonic() < deadline
            try:
                said += os.read(master, 4096)
            except BlockingIOError:
                time.sleep(0.01)
        process.send_signal(number)
        code = process.wait(LONGEST_S)
    os.close(master)
    return code, said


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_in_the_middle_of_a_fit_leaves_what_was_there(shop, number, code):
    command = [*PROGRAM, "impute", "shop.csv", "-o", "out.csv", "--max-steps", LONG]
    assert stopped(command, number, when=lambda said: b"loss=" in said)[0] == code
    assert (shop / "out.csv").read_bytes() == BEFORE
    assert names_in(shop) == ["out.csv", "out.csv.gz", "shop.csv"]


@pytest.mark.parametrize("name", ["out.csv", "out.csv.gz"])
def test_a_signal_in_the_middle_of_writing_leaves_what_was_there(shop, model, name):
    write_long(shop / "long.csv")
    command = [*PROGRAM, "impute", "long.csv", "-o", name, "--cells", "cells.csv", "--model", model]

    def has_begun(_: bytes) -> bool:
        return any(path.stat().st_size > 0 for path in shop.glob(f".{name}.*.tmp"))

    assert stopped(command, signal.SIGTERM, when=has_begun)[0] == 143
    assert (shop / name).read_bytes() == BEFORE
    assert names_in(shop) == ["long.csv", "out.csv", "out.csv.gz", "shop.csv"]


def test_a_signal_while_a_model_is_fitted_leaves_the_model_that_was_there(shop, model):
    assert run(["fit", "shop.csv", "-m", "model", *QUICK]) == 0
    before = {path.name: path.read_bytes() for path in (shop / "model").iterdir()}
    command = [*PROGRAM, "fit", "shop.csv", "-m", "model", "--max-steps", LONG]
    assert stopped(command, signal.SIGINT, when=lambda said: b"loss=" in said)[0] == 130
    assert {path.name: path.read_bytes() for path in (shop / "model").iterdir()} == before
    assert names_in(shop) == ["model", "out.csv", "out.csv.gz", "shop.csv"]


@pytest.mark.parametrize("name", ["out.csv", "out.csv.gz"])
def test_a_full_disk_is_one_error_and_leaves_what_was_there(shop, model, name):
    write_long(shop / "long.csv", n_times=200)
    n_bytes = "1000" if name.endswith(".gz") else "30000"
    command = [sys.executable, "-c", LITTLE_ROOM, n_bytes, "impute", "long.csv", "-o", name, "--model", model]
    done = subprocess.run(command, capture_output=True, check=False, timeout=LONGEST_S)
    assert done.returncode == 2
    assert (
        done.stderr.decode()
        == f"error: '{name}' cannot be written: File too large. Make room, or name a file on another disk.\n"
    )
    assert (shop / name).read_bytes() == BEFORE
    assert names_in(shop) == ["long.csv", "out.csv", "out.csv.gz", "shop.csv"]


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("arguments", [["impute", "shop.csv", "-o", "-"], ["schema", "shop.csv"], ["--help"]])
def test_a_full_disk_behind_standard_output_is_one_error(shop, model, monkeypatch, arguments, unbuffered):
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)  # an empty one counts as none
    options = ["--model", model] if "impute" in arguments else []
    with Path("/dev/full").open("wb") as full:
        command = [*PROGRAM, *arguments, *options]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False, timeout=LONGEST_S)
    assert done.returncode == 2
    assert done.stderr.startswith(b"error: The standard output cannot be written: No space left on device. Make room")
    assert done.stderr.count(b"\n") == 1


def test_what_cannot_be_written_is_known_before_the_work_starts(shop, capsys):
    (shop / "folder").mkdir()
    (shop / "photos").mkdir()
    (shop / "photos" / "a.jpg").touch()
    for arguments, message in [
        (["impute", "none.csv", "-o", "missing/out.csv"], "The folder of 'missing/out.csv' must exist"),
        (["impute", "none.csv", "-o", "none.csv"], "Each file of a run must have a name of its own"),
        (
            ["impute", "none.csv", "-o", "out.csv", "--report", "out.csv"],
            "Each file of a run must have a name of its own",
        ),
        (["impute", "none.csv", "-o", "out.csv", "--report", "missing/r.html"], "The folder of 'missing/r.html' must"),
        (["impute", "none.csv", "-o", "out.csv", "--cells", "missing/c.csv"], "The folder of 'missing/c.csv' must"),
        (["impute", "none.csv", "-o", "folder"], "Got 'folder' instead"),
        (["impute", "none.csv", "-o", "/proc/out.csv"], "'/proc/out.csv' cannot be written"),
        (["fit", "none.csv", "-m", "photos"], "It holds other files"),
        (["schema", "none.csv", "-o", "missing/S.toml"], "The folder of 'missing/S.toml' must exist"),
    ]:
        assert run(arguments) == 2
        assert message in capsys.readouterr().err


def test_a_folder_as_input_is_an_error(shop, capsys):
    (shop / "folder.csv").mkdir()
    assert run(["impute", "folder.csv", "-o", "new.csv"]) == 2
    assert "'folder.csv' cannot be read: Is a directory" in capsys.readouterr().err


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_folder_that_nobody_may_write_to_is_known_before(shop, capsys):
    (shop / "closed").mkdir(mode=stat.S_IRUSR | stat.S_IXUSR)
    assert run(["impute", "none.csv", "-o", "closed/out.csv"]) == 2
    assert "'closed/out.csv' cannot be written: Permission denied" in capsys.readouterr().err


def test_a_name_that_is_too_long_is_told(capfd):
    assert run(["schema", "z" * 300 + ".csv"]) == 2
    told = capfd.readouterr().err
    assert "zzz.csv' cannot be read" in told
    assert "File name too long" in told

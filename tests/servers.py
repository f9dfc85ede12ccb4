"""Servers of MLflow for tests, and a look into what they keep."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import urllib.request

from mlflow.tracking import MlflowClient

__all__ = ["WAIT_S", "free_port", "runs_in", "start", "stop"]

WAIT_S = 120.0  # a limit for a machine that stands still, not an expectation


def runs_in(client: MlflowClient) -> list:
    """All runs, the newest first."""
    return client.search_runs([experiment.experiment_id for experiment in client.search_experiments()])


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


def start(command: list, uri: str) -> subprocess.Popen:
    """Start a server in a process group of its own, and wait until it answers."""
    server = subprocess.Popen(
        list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{uri}/health") as answer:  # noqa: S310 - our own server
                if answer.status == 200:
                    return server
        except OSError:
            time.sleep(0.3)
    stop(server)
    raise AssertionError("the server did not start")


def stop(server: subprocess.Popen) -> None:
    """Stop a server and what it started."""
    if server.poll() is None:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(WAIT_S)

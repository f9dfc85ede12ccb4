"""Torch with threads and a seed of our own, in a process that may be anybody's."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from functools import cache

import torch
from threadpoolctl import ThreadpoolController

from gain_impute.parameters import usable_threads

__all__ = ["seeded", "torch_session"]

_GENERATOR = threading.RLock()  # whoever holds it may seed torch's generator


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Run torch from a seed; its generator is put back. It is one for the process: threads wait for each other here."""
    with _GENERATOR, torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


@contextmanager
def torch_session(n_threads: int, seed: int | None, device: torch.device) -> Iterator[None]:
    """Run torch with a number of threads of our own, and from a seed where randomness is needed; both are put back.

    numpy's matrix products take as many: they would take all cores, and wait for each other while other work is done.
    More than there are cores are never taken.
    """
    with _THREADS.limited(usable_threads(n_threads)), nullcontext() if seed is None else seeded(seed, device):
        yield


class _Threads:
    """How many threads torch and linear algebra may have: of sessions side by side the last one puts it back."""

    def __init__(self) -> None:
        """Begin without a session."""
        self._lock, self._n_sessions, self._before = threading.Lock(), 0, ExitStack()

    @contextmanager
    def limited(self, n_threads: int) -> Iterator[None]:
        """Have so many, as long as this session lasts."""
        with self._lock:
            if self._n_sessions == 0:
                self._before.callback(torch.set_num_threads, torch.get_num_threads())
                self._before.enter_context(_linear_algebra().limit(limits=n_threads))
            self._n_sessions += 1
            torch.set_num_threads(n_threads)
        try:
            yield
        finally:
            with self._lock:
                self._n_sessions -= 1
                if self._n_sessions == 0:
                    self._before.close()


_THREADS = _Threads()


@cache
def _linear_algebra() -> ThreadpoolController:
    """The libraries that multiply matrices for numpy and scipy; to look for them takes milliseconds."""
    return ThreadpoolController().select(user_api="blas")

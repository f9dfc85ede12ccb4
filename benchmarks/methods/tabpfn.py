"""TabPFN, which cannot be run: its package comes without weights."""

from __future__ import annotations

from typing import NoReturn

from gain_impute.errors import MethodUnavailableError
from gain_impute.methods import MethodEntry, Setting

__all__ = ["TABPFN"]


def _make(setting: Setting) -> NoReturn:  # noqa: ARG001  the face of all factories
    raise MethodUnavailableError(
        "TabPFN needs trained weights, and its package has none: tabpfn 9.2.0 fetches them from a model hub at first "
        "use and asks for a licence to be accepted in a browser. It is compared once they can be installed."
    )


TABPFN = MethodEntry(
    name="tabpfn",
    title="TabPFN",
    make=_make,
    reference="Hollmann et al. (2025), Accurate predictions on small data with a tabular foundation model, Nature 637",
)

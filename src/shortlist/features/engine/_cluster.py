"""Connecting to a cluster, or starting one of this machine's cores."""

import logging
from typing import TYPE_CHECKING, Any

from shortlist.errors import ArgumentError
from shortlist.extras import need

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["Connection"]

_CONNECT_SECONDS = 10
_BEFORE_SPAWN = "distributed.nanny.pre-spawn-environ"
# Dask has workers give memory back at once; to get it anew for every array takes half of their time.
_ENVIRONMENT = {
    "MALLOC_TRIM_THRESHOLD_": 64 * 2**20,
    "MALLOC_MMAP_THRESHOLD_": 32 * 2**20,
    "OMP_NUM_THREADS": 1,
    "POLARS_MAX_THREADS": 1,
}


class Connection:
    """A client, and what has to be closed with it.

    Args:
        given: a connected client, the address of a scheduler, or None for a cluster of this machine.
    """

    def __init__(self, given: "Client | str | None") -> None:
        distributed = need("distributed", use="the engine Dask")
        self._opened: list[Any] = []
        if isinstance(given, distributed.Client):
            self.client: Client = given
            return
        if given is None:
            self._opened.append(_processes(distributed))
        try:
            target = given if given is not None else self._opened[0]
            self.client = distributed.Client(target, timeout=_CONNECT_SECONDS, set_as_default=False)
        except OSError as error:
            raise ArgumentError(
                "Dask.client",
                received=f"{given!r}, where nothing answers",
                expected="the address of a running scheduler, like 'tcp://10.0.0.7:8786'",
                remedy="start one with the command 'dask scheduler'",
            ) from error
        self._opened.insert(0, self.client)

    def close(self) -> None:
        """Close what was opened here, the client first."""
        while self._opened:
            self._opened.pop(0).close()


def _processes(distributed: Any) -> Any:
    """One process for each core, none of whose ports is open to other machines."""
    with need("dask.config", use="the engine Dask").set({_BEFORE_SPAWN: _ENVIRONMENT}):
        return distributed.LocalCluster(
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address=None,
            # Its page of metrics too is for this machine alone, on whatever port is free.
            scheduler_kwargs={"dashboard": False, "dashboard_address": "127.0.0.1:0"},
            silence_logs=logging.CRITICAL,  # what fails is raised here
        )

"""Where the course of a run is recorded."""

from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from shortlist.extras import need
from shortlist.train._report import Epoch

__all__ = ["MLflow", "TensorBoard", "Tracker", "Trackers", "Tracking"]

_NUMBERS = ("loss", "metric", "lr", "seconds")


class Tracking(Protocol):
    """A record that is open: takes epochs until it is closed."""

    def epoch(self, row: Epoch, metric: str | None) -> None:
        """Record a finished epoch, whose metric has this name."""

    def close(self) -> None:
        """End the record."""


class Tracker(Protocol):
    """What `FitOptions.trackers` takes: opened by `fit`, and closed at its end."""

    def open(self, settings: dict[str, Any]) -> Tracking:
        """Begin a record of a run with these options, by name."""


@dataclass(frozen=True, slots=True)
class TensorBoard:
    """Event files that TensorBoard shows: loss, step size, seconds and the metric by epoch.

    Needs ``pip install 'shortlist[tensorboard]'``.
    """

    folder: str | Path
    """Where the files go; one folder a run."""

    def open(self, settings: dict[str, Any]) -> Tracking:
        """Begin event files.

        Raises:
            MissingExtraError: TensorBoard is not installed.
        """
        need("tensorboard", use="train.TensorBoard")
        from torch.utils.tensorboard import SummaryWriter

        return _Events(SummaryWriter(str(self.folder)), settings)


class _Events:
    def __init__(self, writer: Any, settings: dict[str, Any]) -> None:
        self._writer = writer
        writer.add_text("options", "\n".join(f"    {name} = {value}" for name, value in settings.items()))

    def epoch(self, row: Epoch, metric: str | None) -> None:
        for name, value in _values(row, metric).items():
            self._writer.add_scalar(name, value, row.epoch)
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()


@dataclass(frozen=True, slots=True)
class MLflow:
    """A run of MLflow with the options as parameters and loss, step size, seconds and metric by epoch.

    Needs ``pip install 'shortlist[mlflow]'``.
    """

    experiment: str
    """Name of the experiment; it is made if it is new."""
    uri: str | None = None
    """Address of the tracking server, or of a folder or database; None is MLflow's own setting."""
    run: str | None = None
    """Name of the run; None lets MLflow choose."""

    def open(self, settings: dict[str, Any]) -> Tracking:
        """Begin a run.

        Raises:
            MissingExtraError: MLflow is not installed.
        """
        need("mlflow", use="train.MLflow")
        from mlflow import MlflowClient

        client = MlflowClient(tracking_uri=self.uri)
        known = client.get_experiment_by_name(self.experiment)
        experiment = client.create_experiment(self.experiment) if known is None else known.experiment_id
        run = client.create_run(experiment, run_name=self.run).info.run_id
        for name, value in settings.items():
            client.log_param(run, name, value)
        return _MLflowRun(client, run)


class _MLflowRun:
    def __init__(self, client: Any, run: str) -> None:
        self._client, self._run = client, run

    def epoch(self, row: Epoch, metric: str | None) -> None:
        for name, value in _values(row, metric).items():
            # MLflow takes letters, digits and -_./ in a name.
            self._client.log_metric(self._run, name.replace("@", "_at_"), value, step=row.epoch)

    def close(self) -> None:
        self._client.set_terminated(self._run)


class Trackers:
    """Several records as one context."""

    def __init__(self, trackers: tuple[Tracker, ...], settings: dict[str, Any]) -> None:
        self._trackers, self._settings = trackers, settings
        self._open: list[Tracking] = []

    def __enter__(self) -> "Trackers":
        self._open = [one.open(self._settings) for one in self._trackers]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one in self._open:
            one.close()

    def epoch(self, row: Epoch, metric: str | None) -> None:
        """Record a finished epoch everywhere."""
        for one in self._open:
            one.epoch(row, metric)


def _values(row: Epoch, metric: str | None) -> dict[str, float]:
    found = {name: value for name, value in asdict(row).items() if name in _NUMBERS and value is not None}
    if metric is not None and "metric" in found:
        found[metric] = found.pop("metric")
    return found

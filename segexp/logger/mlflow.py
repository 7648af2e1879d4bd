"""Log to MLflow: a local folder or a server, which is never the reason that a training stops or waits for long."""

import importlib.util
import logging
import math
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytorch_lightning.loggers import Logger
from pytorch_lightning.utilities import rank_zero_only

from segexp.config.values import flat_values
from segexp.display.logged_pictures import Pictures, arrays
from segexp.logger.run_choices import run_choices
from segexp.system.files import write_atomic
from segexp.system.signals import Stopped
from segexp.types import Bytes

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric

log = logging.getLogger(__name__)

ENVIRONMENT = {
    "MLFLOW_ALLOW_FILE_STORE": "true",  # folders are still written, but only on request
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",  # the queue below tries again, later
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
}
"""Settings of MLflow's client, where the user's environment has no other."""
FIRST_PAUSE_SECONDS = 30.0
"""How long nothing is sent after a first failure; twice as long after each further one."""
SERVER_INTERVAL_SECONDS = 10.0
"""A server gets metrics in batches, so that no step waits for it; a folder gets them at once."""
MAX_METRICS, MAX_PARAMS, MAX_LETTERS = 1000, 100, 6000
"""The most that MLflow takes in one request, and as the value of one parameter."""
MAX_KEPT = 200_000
"""Values that wait for a server at most, some 50 MB; the oldest are dropped for newer ones."""


def mlflow_logger(folder: str, tracking_uri: str | None, experiment: str) -> Logger:
    """A logger for one MLflow run, which is named like the run folder and goes on when the run is resumed.

    folder: the run folder. experiment: name of the MLflow experiment, which is made if it is not there.
    tracking_uri: a folder, or the address of a server; None for the environment's MLFLOW_TRACKING_URI, or else the
    folder mlruns/ beside the run folder, in which one user interface shows all runs of a sweep.
    Raises ValueError if MLflow is missing.
    """
    if importlib.util.find_spec("mlflow") is None:
        raise ValueError("logger=mlflow needs MLflow's client; pip install 'segexp[mlflow]'")
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    place = tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or str(Path(folder).absolute().parent / "mlruns")
    uri = place if "://" in place or place.startswith("file:") else Path(place).expanduser().absolute().as_uri()
    return SteadfastMlflowLogger(Path(folder), uri, experiment)


class SteadfastMlflowLogger(Logger):
    """Keeps what MLflow does not take and sends it later; warns when that begins, and at the end of what was lost.

    folder: the run folder, which keeps the id of the MLflow run in the file mlflow_id. uri: of folder or server.
    """

    def __init__(self, folder: Path, uri: str, experiment_name: str) -> None:
        super().__init__()
        self.folder = folder
        self.uri = uri
        self.experiment_name = experiment_name
        self.client: MlflowClient | None = None
        self.run_id = ""
        self.metrics: list[Metric] = []
        self.num_dropped = 0
        self.params: dict[str, str] = {}
        self.pause_seconds = FIRST_PAUSE_SECONDS
        self.next_sending = 0.0
        self.has_warned = False

    @property
    def name(self) -> str:
        return "mlflow"

    @property
    def version(self) -> str:
        return self.run_id

    @rank_zero_only
    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        """Log each setting under its dotted key, and the chosen options as choices.GROUP."""
        flat = flat_values({**params, "choices": run_choices(self.folder)})
        self.params = {_key(key): str(value)[:MAX_LETTERS] for key, value in flat.items() if value != {}}
        self._send()

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        finite = {name: float(value) for name, value in metrics.items() if math.isfinite(value)}
        self.metrics += [Metric(_key(name), value, now, step or 0) for name, value in finite.items()]
        self._send()
        self.num_dropped += max(0, len(self.metrics) - MAX_KEPT)
        del self.metrics[:-MAX_KEPT]

    @rank_zero_only
    def log_pictures(self, pictures: Pictures, step: int) -> None:
        """Log arrays as images of the MLflow run; those that it does not take are lost, but in the run folder."""
        if self.has_warned and time.monotonic() < self.next_sending:
            return
        self._guarded(lambda: self._log_images(arrays(pictures), step))

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """End the MLflow run as FINISHED, KILLED (a training that goes on later) or FAILED."""
        if not self.run_id and not self.metrics:
            return
        error = sys.exc_info()[1]
        preempted = isinstance(error, Stopped) and error.by == signal.SIGUSR1
        end = "FINISHED" if status == "success" else "KILLED" if preempted else "FAILED"
        self._guarded(lambda: self._end(end))
        if num_lost := self.num_dropped + len(self.metrics) + len(self.params):
            log.warning(
                "MLflow at %s did not take %d values of this run; metrics.jsonl has all of them",
                *(self.uri, num_lost),
            )

    def _send(self) -> None:
        if time.monotonic() >= self.next_sending:
            self._guarded(self._send_all)

    def _guarded(self, call: Callable[[], None]) -> None:
        """Call MLflow. If it fails, whatever the reason, nothing is sent for a while and the training goes on."""
        try:
            call()
        except Exception as error:
            if not self.has_warned:
                log.warning(
                    "MLflow at %s does not answer (%s); the training continues, and sends later what it can",
                    *(self.uri, (str(error) or type(error).__name__).splitlines()[0][:300]),
                )
            self.has_warned = True
            self.next_sending = time.monotonic() + self.pause_seconds
            self.pause_seconds *= 2
        else:
            is_local = self.uri.startswith("file:")
            self.next_sending = 0.0 if is_local else time.monotonic() + SERVER_INTERVAL_SECONDS

    def _send_all(self) -> None:
        from mlflow.entities import Param

        client = self._begin()
        while self.params:
            batch = list(self.params.items())[:MAX_PARAMS]
            client.log_batch(self.run_id, params=[Param(key, value) for key, value in batch])
            self.params = dict(list(self.params.items())[MAX_PARAMS:])
        while self.metrics:
            client.log_batch(self.run_id, metrics=self.metrics[:MAX_METRICS])
            del self.metrics[:MAX_METRICS]

    def _log_images(self, pictures: Mapping[str, Bytes], step: int) -> None:
        client = self._begin()
        for name, picture in pictures.items():
            client.log_image(self.run_id, picture, key=name, step=step, synchronous=True)

    def _end(self, status: str) -> None:
        self._send_all()
        self._begin().set_terminated(self.run_id, status)

    def _begin(self) -> "MlflowClient":
        """The client, with a run to log to: the one of mlflow_id if the store has it, else a new one."""
        if self.client is None:
            from mlflow import MlflowClient

            client = MlflowClient(self.uri)
            self.run_id = self._earlier_run(client) or self._new_run(client)
            self.client = client
        return self.client

    def _earlier_run(self, client: "MlflowClient") -> str | None:
        """The id of this run folder's MLflow run, which is marked as running; None if the store has none.

        Its parameters never change in MLflow, so those that it has are not sent again.
        """
        from mlflow.exceptions import MlflowException

        file = self.folder / "mlflow_id"
        run_id = file.read_text().strip() if file.is_file() else ""
        if not run_id:
            return None
        try:
            run = client.get_run(run_id)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return None
        client.update_run(run_id, status="RUNNING")
        self.params = {key: value for key, value in self.params.items() if key not in run.data.params}
        return run_id

    def _new_run(self, client: "MlflowClient") -> str:
        run = client.create_run(_experiment_id(client, self.experiment_name), run_name=self.folder.name)
        write_atomic(self.folder / "mlflow_id", f"{run.info.run_id}\n")
        return run.info.run_id


def _experiment_id(client: "MlflowClient", name: str) -> str:
    """The id of the experiment, which another training may make at the same moment."""
    from mlflow.exceptions import MlflowException

    if (experiment := client.get_experiment_by_name(name)) is not None:
        return experiment.experiment_id
    try:
        return client.create_experiment(name)
    except MlflowException:
        if (experiment := client.get_experiment_by_name(name)) is not None:
            return experiment.experiment_id
        raise


def _key(name: str) -> str:
    """A name as MLflow takes it: of English letters, digits and a few signs, at most 250 of them."""
    return re.sub(r"[^\w/. :-]", "_", name, flags=re.ASCII)[:250]

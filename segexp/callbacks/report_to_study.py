"""Run a training as a trial of an Optuna study: report its score after every validation, end it when it is pruned."""

import logging
from typing import Any

from optuna import Trial, load_study
from optuna import logging as optuna_logging
from optuna.exceptions import UpdateFinishedTrialError
from optuna.pruners import BasePruner
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from pytorch_lightning import Callback, LightningModule, Trainer

log = logging.getLogger(__name__)
PRUNED = "pruned_after_epochs"


class ReportToStudy(Callback):
    """Stops the training where the pruner says so; its run is then finished.

    metric: the name of the score that is reported. journal: the study's file. study: the study's name. number: the
    trial's number. pruner: one of optuna.pruners.
    """

    changes_weights = False

    def __init__(self, metric: str, journal: str, study: str, number: int, pruner: BasePruner) -> None:
        self.metric = metric
        self.journal = journal
        self.study = study
        self.number = number
        self.pruner = pruner
        self.trial: Trial | None = None
        self.ended_because: str | None = None

    def on_validation_end(self, trainer: Trainer, task: LightningModule) -> None:
        if trainer.sanity_checking:
            return
        is_pruned = trainer.is_global_zero and self._report(trainer)
        if trainer.strategy.broadcast(is_pruned):
            trainer.should_stop = True
            self.ended_because = f"stopped early by the study {self.study}: pruned, or given up"

    def _report(self, trainer: Trainer) -> bool:
        self.trial = self.trial or self._open_trial()
        try:
            self.trial.report(float(trainer.callback_metrics[self.metric]), trainer.current_epoch)
            if not self.trial.should_prune():
                return False
            self.trial.set_user_attr(PRUNED, trainer.current_epoch + 1)
        except UpdateFinishedTrialError:
            log.warning("trial %d of study %s was given up: this training ends", self.number, self.study)
        return True

    def _open_trial(self) -> Trial:
        optuna_logging.set_verbosity(optuna_logging.WARNING)
        storage = JournalStorage(JournalFileBackend(self.journal))
        study: Any = load_study(study_name=self.study, storage=storage, pruner=self.pruner)
        return Trial(study, study.get_trials(deepcopy=False)[self.number]._trial_id)

"""Figures of a study are drawn from what its trials are, and can be read whatever its keys are called."""

import optuna
import pytest
from matplotlib.figure import Figure
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState, create_trial

from segexp.tune.study_plots import figures
from tests.display.readable import require_readable

ORDINARY = {
    "optimizer": CategoricalDistribution(["adam", "adamw", "sgd"]),
    "optimizer.lr": FloatDistribution(1e-5, 1e-1, log=True),
    "optimizer.weight_decay": FloatDistribution(1e-6, 1e-2, log=True),
    "model.num_columns_down": IntDistribution(1, 4),
    "loss.a": FloatDistribution(0.5, 8),
}
SPACES = {
    "none": {},
    "one": {"optimizer.lr": FloatDistribution(1e-5, 1e-1, log=True)},
    "ordinary": ORDINARY,
    "long": {
        "optimizer.parts.encoder.of.a.network.of.somebody.lr": FloatDistribution(1e-5, 1e-1, log=True),
        "model.streams": CategoricalDistribution(["[8,16,32,64,128,256,512]", None, True]),
        "x": FloatDistribution(3, 3),
    },
}


@pytest.fixture(scope="module", params=SPACES.values(), ids=SPACES)
def drawn(request: pytest.FixtureRequest) -> dict[str, Figure]:
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0))
    for number in range(8):
        trial = study.ask(request.param)
        state = TrialState.PRUNED if number == 5 else TrialState.COMPLETE
        score = 0.1 * (number % 4)
        curve = {epoch: score - 0.1 / (epoch + 1) for epoch in range(3)}
        distributions = dict(request.param)
        study.add_trial(
            create_trial(
                state=state, value=score, params=trial.params, distributions=distributions, intermediate_values=curve
            )
        )
    return figures(study, "val/miou")


def test_their_texts_are_neither_cut_nor_above_each_other(drawn: dict[str, Figure]) -> None:
    assert {"history", "learning_curves"} <= set(drawn)
    for figure in drawn.values():
        require_readable(figure)


def test_a_study_of_one_trial_has_none() -> None:
    study = optuna.create_study(direction="maximize")
    study.add_trial(create_trial(value=0.5))
    assert figures(study, "val/miou") == {}

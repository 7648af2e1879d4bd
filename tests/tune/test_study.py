"""Trials are shared out and end as they should; run folders are written as trainings write them."""

import shlex
from pathlib import Path

import optuna
import pytest
from filelock import FileLock
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.trial import TrialState

from segexp.config.compose import compose
from segexp.logger.jsonl import JsonLinesLogger
from segexp.run.folder import RunFolder
from segexp.tune import study_report
from segexp.tune.settings import TuneSettings
from segexp.tune.space import build_space, check_composes, overrides
from segexp.tune.study import Study, best_trial
from tests.options import config_dir
from tests.training import start

FACTS = {"train": ["loss=dice"], "space": {"lr": {"key": "optimizer.lr"}}, "metric": "val/miou"}
SPACE = {"optimizer.lr": FloatDistribution(1e-4, 1e-1, log=True)}


def open_study(folder: Path) -> Study:
    return Study(folder, FACTS, optuna.samplers.RandomSampler(), optuna.pruners.NopPruner())


def write_training(run: RunFolder, scores: list[float], state: str = "finished", **facts: str) -> None:
    logger = JsonLinesLogger(str(run.path))
    for epoch, score in enumerate(scores):
        logger.log_metrics({"val/miou": score, "epoch": epoch}, epoch)
    run.write_status(state, **facts)


def test_a_trials_score_is_its_best_epoch(tmp_path: Path) -> None:
    study = open_study(tmp_path)
    with study.next_trial(SPACE, 1) as trial:
        write_training(study.run(trial.number), [0.1, 0.4, 0.3])
        study.conclude(trial.number)
    assert best_trial(study.trials()).value == 0.4


def test_no_more_than_num_trials_are_begun_by_any_process(tmp_path: Path) -> None:
    studies = [open_study(tmp_path) for _ in range(2)]
    with studies[0].next_trial(SPACE, 2) as first, studies[1].next_trial(SPACE, 2) as second:
        with studies[0].next_trial(SPACE, 2) as third:
            assert third is None
        assert (first.number, second.number) == (0, 1)


def test_a_killed_trial_is_run_again_with_its_values(tmp_path: Path) -> None:
    with open_study(tmp_path).next_trial(SPACE, 1) as killed:
        write_training(open_study(tmp_path).run(killed.number), [0.1], "running")
    study = open_study(tmp_path)
    with study.next_trial(SPACE, 1) as again:
        assert again.number != killed.number
        assert again.params == killed.params
        write_training(study.run(again.number), [0.2])
        study.conclude(again.number)
    assert [trial.state for trial in study.trials()] == [TrialState.FAIL, TrialState.COMPLETE]
    assert [trial.number for trial in study.trials_that_count()] == [again.number]
    with study.next_trial(SPACE, 1) as no_trial:
        assert no_trial is None


def test_a_training_that_outlived_its_tuner_counts(tmp_path: Path) -> None:
    study = open_study(tmp_path)
    with study.next_trial(SPACE, 1) as trial:
        run = study.run(trial.number)
    with FileLock(run.path / ".lock"):  # as a training holds it
        assert study.orphans() == [trial.number]
        with study.next_trial(SPACE, 1) as no_trial:
            assert no_trial is None
        write_training(run, [0.3])
    with study.next_trial(SPACE, 1) as no_trial:
        assert no_trial is None
    assert study.trials()[0].value == 0.3
    assert study.orphans() == []


def test_a_failed_trial_counts_and_says_why(tmp_path: Path) -> None:
    study = open_study(tmp_path)
    with study.next_trial(SPACE, 1) as trial:
        write_training(study.run(trial.number), [], "failed", reason="FloatingPointError: the loss is not finite")
        study.conclude(trial.number)
    row = study_report.table(study, study.trials()).splitlines()[1]
    assert row.startswith("0,fail,,")
    assert row.endswith("FloatingPointError: the loss is not finite")
    with study.next_trial(SPACE, 1) as no_trial:
        assert no_trial is None


def test_half_a_line_at_the_end_of_the_journal_is_ignored(tmp_path: Path) -> None:
    study = open_study(tmp_path)
    with study.next_trial(SPACE, 1) as trial:
        write_training(study.run(trial.number), [0.4])
        study.conclude(trial.number)
    with study.journal.open("ab") as file:
        file.write(b'{"op_code": 4, "wor')
    assert [trial.value for trial in open_study(tmp_path).trials()] == [0.4]


def test_a_study_goes_on_with_what_it_began_with_only(tmp_path: Path) -> None:
    open_study(tmp_path)
    with pytest.raises(ValueError, match=r"study\.yaml .*train was \['loss=dice'\].*another study="):
        Study(tmp_path, {**FACTS, "train": ["loss=focal"]}, None, None)


@pytest.mark.parametrize(("content", "fact"), [("", "empty"), ("train", "is train"), ("train: [", "not YAML")])
def test_a_damaged_file_of_a_study_is_named(tmp_path: Path, content: str, fact: str) -> None:
    (tmp_path / "study.yaml").write_text(content)
    with pytest.raises(ValueError, match=f"(?s)study.yaml.*{fact}.*train, space and metric.*another study="):
        open_study(tmp_path)


def test_the_results_of_a_study_are_written(tmp_path: Path) -> None:
    study = open_study(tmp_path)
    for score in (0.1, 0.5, 0.3):
        with study.next_trial(SPACE, 3) as trial:
            write_training(study.run(trial.number), [score])
            study.optuna.tell(trial.number, score)
    study_report.write(study, FACTS["train"])
    lr = study.trials()[1].params["optimizer.lr"]
    assert (tmp_path / "best.txt").read_text() == f"python -m segexp.train loss=dice optimizer.lr={lr!r}\n"
    assert len((tmp_path / "trials.csv").read_text().splitlines()) == 4
    assert {"history.png", "parameters.png"} <= {path.name for path in (tmp_path / "pictures").iterdir()}


def test_the_commands_of_a_study_name_the_users_options(tmp_path: Path) -> None:
    study = open_study(tmp_path / "it's")
    with study.next_trial(SPACE, 1) as trial:
        write_training(study.run(trial.number), [0.4])
        study.conclude(trial.number)
    with config_dir(Path("/my conf")):
        study_report.write(study, FACTS["train"])
        evaluation = study_report.evaluation_command(study, study.trials()[0])
    training = shlex.split((study.folder / "best.txt").read_text())
    assert training[:6] == ["python", "-m", "segexp.train", "--config-dir", "/my conf", "loss=dice"]
    run = rf"run='{tmp_path}/it\'s/trials/0'"
    assert shlex.split(evaluation) == ["python", "-m", "segexp.evaluate", run, "--config-dir", "/my conf"]


def test_values_are_typed_as_hydra_reads_them() -> None:
    values = {"optimizer.lr": 1e-05, "model.streams": [4, 8], "compile": True, "data.num_workers": None}
    values |= {"loss": "dice", "data.root": "/a b=c's", "+trainer.plugins": {"a": 1, "b": {"c": "d e"}}}
    config = compose("train", overrides(values))
    assert config["optimizer"]["lr"] == 1e-05
    assert config["data"]["root"] == "/a b=c's"
    assert config["trainer"]["plugins"] == {"a": 1, "b": {"c": "d e"}}
    assert (config["compile"], config["data"]["num_workers"], config["model"]["streams"]) == (True, None, [4, 8])


def test_the_default_space_is_of_the_default_training() -> None:
    values = compose("tune", ["study=x"])
    space = build_space(TuneSettings.of(values).space)
    check_composes(values["train"], space)
    assert {"optimizer", "optimizer.lr", "loss.a", "loss.b"} <= set(space)
    assert isinstance(space["optimizer"], CategoricalDistribution)


@pytest.mark.parametrize(
    ("override", "answer"),
    [
        ("space.lr.low=x", r"space\.lr: .*FloatDistribution does not take"),
        ("space.lr.low=1", r"space\.lr: .*low"),
        ("space.lr.key=optimizer.rl", r"segexp\.train does not accept .*optimizer\.rl"),
        ("space.lr.key=loss.a", r"space\.a varies loss\.a, as space\.lr does; .*~space\.a"),
        ("space.lr._target_=optuna.samplers.RandomSampler", r"space\.lr: .*RandomSampler does not take"),
        ("+space.x={_target_:optuna.samplers.RandomSampler,key:seed}", r"space\.x\._target_ is .*optuna\.distrib"),
        ("~space.lr.key", r"space\.lr\.key is None; allowed: a key of segexp\.train.*~space\.lr"),
        ("train=loss", "train is 'loss'; allowed: a list of overrides of segexp.train; give it behind --"),
        ("train=['loss=dice']", r"segexp\.train does not accept .*loss\.a.*~space\.NAME"),
        ("num_trials=0", "num_trials is 0; allowed: a whole number of at least 1"),
        ("~space", "the configuration has no space"),
    ],
)
def test_a_wrong_setting_is_named_before_anything_is_trained(override: str, answer: str) -> None:
    with pytest.raises(ValueError, match=f"(?s){answer}"):  # noqa: PT012
        settings = TuneSettings.of(compose("tune", ["study=x", override]))
        check_composes(settings.train, build_space(settings.space))


def test_a_hopeless_training_ends_early_as_a_finished_run(tmp_path: Path, compose_small) -> None:
    study = open_study(tmp_path)
    pruner = "{_target_:optuna.pruners.ThresholdPruner,lower:2.0}"
    node = "_target_:segexp.callbacks.report_to_study.ReportToStudy,metric:val/miou,number:0"
    callback = f"+callbacks.report={{{node},journal:{study.journal},study:{study.name},pruner:{pruner}}}"
    with study.next_trial(SPACE, 1) as trial:
        run = study.run(trial.number)
        start(compose_small("trainer.max_epochs=5", callback), run.path)
        study.conclude(trial.number)
    assert run.state() == "finished"
    assert len([row for row in run.history() if "val/miou" in row]) == 1
    assert study.trials()[0].state is TrialState.PRUNED
    assert len(study.trials()[0].intermediate_values) == 1

"""A checkpoint with an average beside its weights: which of them a command takes, and where it says so."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from segexp.config.compose import compose
from segexp.evaluate.files import refuse_other_settings, save_scores
from segexp.evaluate.settings import EvaluateSettings
from segexp.evaluate.split import evaluate, prepare_evaluation
from segexp.inference.model import load_model
from segexp.run import checkpoint
from segexp.run.folder import RunFolder
from segexp.types import Values
from tests.training import start

RAW, AVERAGE = torch.full((1, 1), 1.0), torch.full((1, 1), 2.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    content = {"global_step": 3, "state_dict": {"model.weight": RAW}, "averaged_model": {"weight": AVERAGE}}
    torch.save(content, tmp_path / "last.ckpt")
    return tmp_path / "last.ckpt"


@pytest.mark.parametrize(
    ("weights", "value", "kind"), [(None, AVERAGE, "averaged"), ("averaged", AVERAGE, "averaged"), ("raw", RAW, "raw")]
)
def test_the_average_is_taken_unless_the_raw_weights_are_asked_for(path: Path, weights, value, kind: str) -> None:
    model = nn.Linear(1, 1, bias=False)
    assert checkpoint.load_weights(model, path, weights) == (3, kind)
    assert torch.equal(model.weight, value)
    assert torch.equal(checkpoint.model_weights(path, weights)["weight"], value)


def test_a_checkpoint_without_an_average_has_one_kind_of_weights(path: Path) -> None:
    torch.save({"global_step": 3, "state_dict": {"model.weight": RAW}}, path)
    model = nn.Linear(1, 1, bias=False)
    for weights in (None, "raw"):
        assert checkpoint.load_weights(model, path, weights) == (3, None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"weights is 'averaged', and .*last.ckpt has no average.*callbacks.ema"):
        checkpoint.load_weights(model, path, "averaged")


@pytest.mark.parametrize("average", [None, [1], {"weight": 1}, {1: RAW}])
def test_an_average_that_is_damaged_is_named(path: Path, average) -> None:
    torch.save({"global_step": 3, "state_dict": {"model.weight": RAW}, "averaged_model": average}, path)
    with pytest.raises(ValueError, match=r"last.ckpt has no weights of segexp.train"):
        checkpoint.load_weights(nn.Linear(1, 1, bias=False), path)


def test_a_run_is_evaluated_by_choice_and_what_is_not_the_default_is_recorded(
    compose_small: Callable[..., Values], tmp_path: Path
) -> None:
    start(compose_small("callbacks=[default,ema]", "trainer.max_epochs=3"), tmp_path, {"data": "streets"})
    run = RunFolder.open(tmp_path)
    jobs = {weights: prepare_evaluation(run, settings(run, weights)) for weights in (None, "averaged", "raw")}
    assert [job.facts.get("weights") for job in jobs.values()] == [None, None, "raw"]
    validated = max(row["val/miou"] for row in run.history() if "val/miou" in row)
    evaluation = evaluate(jobs[None])
    assert evaluation.scores()["miou"] == pytest.approx(validated, abs=1e-6)

    folder = run.evaluation("val")
    folder.mkdir(parents=True)
    save_scores(evaluation, folder)
    refuse_other_settings(folder, jobs["averaged"].facts, overwrite=False)
    with pytest.raises(FileExistsError, match="with weights=null, and this one has weights=raw; add name="):
        refuse_other_settings(folder, jobs["raw"].facts, overwrite=False)
    averaged, raw = (load_model(run, "best", weights) for weights in ("averaged", "raw"))  # type: ignore[arg-type]
    assert run.own_scores("val", averaged.step, averaged.weights) is not None
    assert run.own_scores("val", raw.step, raw.weights) is None


def settings(run: RunFolder, weights: str | None) -> EvaluateSettings:
    typed = [f"run={run.path}", f"weights={weights or 'null'}", "num_scenes=0", "precision=float32"]
    return EvaluateSettings.of(compose("evaluate", typed))

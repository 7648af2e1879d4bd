"""A training of a network with auxiliary heads: what it minimises, what it scores, what is left for prediction."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from segexp.config.compose import compose
from segexp.inference.model import load_model
from segexp.loss.engine.boundary import boundary_loss, where_certain
from segexp.loss.engine.deep_supervision import DeepSupervision
from segexp.model.auxiliary import num_auxiliary
from segexp.run import checkpoint
from segexp.run.folder import RunFolder
from segexp.train.assemble import Training, assemble
from segexp.types import Values
from tests.training import start

SUPERVISED = ["model=pspnet", "model.encoder=resnet18", "model.auxiliary_stages=[4]"]
Compose = Callable[..., Values]


@pytest.fixture
def compose_supervised(small: Callable[..., list[str]]) -> Compose:
    """The configuration of a small PSPNet with its auxiliary head."""
    shared = [each for each in small() if not each.startswith("model.")]
    return lambda *further: compose("train", [*shared, *SUPERVISED, *further])


def train_step(training: Training) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """The loss of a training step, that of a step in validation, and what was logged, of the same batch."""
    logged: dict[str, Tensor] = {}
    training.task.log = lambda name, value, **_: logged.update({name: value})
    batch = next(iter(training.data.train_dataloader()))
    loss = training.task.training_step(batch, 0)
    with torch.no_grad():
        training.task.eval().validation_step(batch, 0)
    return loss, training.task.val_loss.compute(), logged


@pytest.mark.parametrize(("typed", "weight"), [([], 0.4), (["loss.auxiliary_weight=0.1"], 0.1)])
def test_training_minimises_and_logs_the_total_loss(compose_supervised, tmp_path: Path, typed, weight: float) -> None:
    training = assemble(compose_supervised(*typed), tmp_path)
    seen: list[Tensor] = []
    for part in (training.task.loss.main, *training.task.loss.auxiliary):
        part.register_forward_hook(lambda module, inputs, value: seen.append(value.detach()))
    loss, validation, logged = train_step(training)
    main, auxiliary, validated = seen
    torch.testing.assert_close(loss.detach(), main + weight * auxiliary)
    assert logged["train/loss_step"] == loss
    torch.testing.assert_close(validation, validated)


def test_a_network_without_heads_is_trained_by_its_loss_alone(compose_small: Compose, tmp_path: Path) -> None:
    training = assemble(compose_small("loss=dice"), tmp_path)
    assert not isinstance(training.task.loss, DeepSupervision)
    assert isinstance(training.model.train()(torch.rand(1, 3, 32, 32)), Tensor)


def test_a_weight_for_a_network_without_heads_is_refused(compose_small: Compose, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"loss.auxiliary_weight is 0.2, .* no auxiliary heads; .*auxiliary_stages="):
        assemble(compose_small("loss.auxiliary_weight=0.2"), tmp_path)


@pytest.mark.parametrize(("typed", "weight"), [([], 20), (["loss.boundary_weight=5"], 5)])
def test_a_network_with_a_boundary_head_is_trained_on_boundaries(small, tmp_path: Path, typed, weight: float) -> None:
    shared = [each for each in small() if not each.startswith("model.")]
    values = compose("train", [*shared, "model=pidnet_s", "model.width=8", "loss=lovasz", *typed])
    training = assemble(values, tmp_path)
    batch = next(iter(training.data.train_dataloader()))
    torch.manual_seed(0)
    output = training.model.train()(batch.image)
    loss = training.task.loss
    main, certain, auxiliary = (
        loss.main(logits, target)
        for logits, target in (
            (output.logits, batch.target),
            (output.logits, where_certain(batch.target, output.boundary)),
            (output.auxiliary[0], batch.target),
        )
    )
    boundary = boundary_loss(output.boundary, batch.target, training=True)
    torch.testing.assert_close(loss(output, batch.target), main + certain + 0.4 * auxiliary + weight * boundary)


def test_a_weight_for_a_network_without_a_boundary_head_is_refused(compose_supervised: Compose, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"loss.boundary_weight is 5, .* no boundary head; allowed: null; .*pidnet_s"):
        assemble(compose_supervised("loss.boundary_weight=5"), tmp_path)


def test_a_run_with_heads_is_used_without_them(compose_supervised: Compose, tmp_path: Path) -> None:
    values = compose_supervised(
        "loss=lovasz", "loss.momentum=0.9", "callbacks=finetune", "callbacks.freeze_encoder.weights=own"
    )
    start(values, tmp_path, {"data": "streets"})
    run = RunFolder.open(tmp_path)
    stored = torch.load(run.checkpoint("last"), weights_only=True)["state_dict"]
    counts = {key: value for key, value in stored.items() if key.startswith("loss.") and key.endswith(".total")}
    assert sorted(key.split(".")[1] for key in counts) == ["auxiliary", "main"]
    assert not torch.equal(*counts.values())
    heads = {key for key in checkpoint.model_weights(run.checkpoint("last")) if "auxiliary_heads" in key}
    assert heads
    model = load_model(run, "last").model
    assert num_auxiliary(model) == 0
    assert not heads & set(model.state_dict())

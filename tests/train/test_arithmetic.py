"""Precision and memory format of a training are decided when it begins, by one rank, for its whole life."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from segexp.config.compose import compose
from segexp.run.folder import RunFolder
from segexp.system import arithmetic
from segexp.system.arithmetic import use_memory_format
from segexp.train.arithmetic import SameArithmetic, decide_arithmetic
from segexp.train.assemble import assemble
from segexp.train.plan import Request, Start, plan
from segexp.train.settings import TrainSettings
from segexp.types import Values
from tests.conftest import PICTURES
from tests.training import resume, start

Compose = Callable[..., Values]
MACHINES = {"new": "flags\t: avx2 avx512_bf16\n", "old": "flags\t: avx2\n"}
FASTEST = {"new": ("bfloat16", "channels_last"), "old": ("float32", "channels_last")}


@pytest.fixture
def on(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """From then on, the machine has a CPU with instructions for bfloat16, or without."""

    def use(machine: str) -> None:
        file = tmp_path_factory.mktemp(machine) / "cpuinfo"
        file.write_text(MACHINES[machine])
        monkeypatch.setattr(arithmetic, "CPU_INFO", file)

    return use


def recorded(folder: Path) -> tuple[str, str]:
    config = RunFolder.open(folder).config
    return config["precision"], config["memory_format"]


@pytest.mark.fast
@pytest.mark.parametrize("machine", MACHINES)
def test_the_default_is_what_is_fastest_on_the_machine(compose_small: Compose, on, machine: str) -> None:
    on(machine)
    values, reason = decide_arithmetic(compose_small("precision=auto"))
    assert (values["precision"], values["memory_format"]) == FASTEST[machine]
    assert "CPU" in reason
    assert decide_arithmetic(values)[0] == values


@pytest.mark.fast
def test_float32_alone_is_the_plain_format_too(compose_small: Compose) -> None:
    values, _ = decide_arithmetic(compose_small("precision=float32"))
    assert (values["precision"], values["memory_format"]) == ("float32", "contiguous")
    values, _ = decide_arithmetic(compose_small("precision=auto", "trainer.precision=64-true"))
    assert (values["trainer"]["precision"], values["memory_format"]) == ("64-true", "contiguous")


@pytest.mark.fast
@pytest.mark.parametrize("typed", [["precision=float16"], ["precision=auto", "trainer.precision=16-mixed"]])
def test_float16_is_refused_where_its_gradients_are_not_scaled(compose_small: Compose, typed: list[str]) -> None:
    with pytest.raises(ValueError, match="precision is 'float16', .* only done on GPUs, .*: auto, float32, bfloat16"):
        decide_arithmetic(compose_small(*typed))


@pytest.mark.fast
@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["precision=half"], "precision is 'half'; allowed: auto, float32, bfloat16, float16"),
        (["memory_format=nhwc"], "memory_format is 'nhwc'; allowed: auto, contiguous, channels_last"),
        (["precision=float32", "trainer.precision=bf16-mixed"], "'bf16-mixed' and precision is 'float32'"),
    ],
)
def test_a_wrong_word_is_refused_before_anything_is_loaded(typed: list[str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        TrainSettings.of(compose("train", typed))


def test_a_run_goes_on_as_it_began_on_whatever_machine(compose_small: Compose, on, tmp_path: Path, capsys) -> None:
    on("new")
    start(compose_small("precision=auto"), tmp_path)
    assert "precision   bfloat16, channels_last (this CPU computes in bfloat16)\n" in capsys.readouterr().out
    assert recorded(tmp_path) == FASTEST["new"]
    on("old")
    resume(tmp_path, ["trainer.max_epochs=2"])
    assert "precision   bfloat16, channels_last (as the run began)\n" in capsys.readouterr().out
    assert recorded(tmp_path) == FASTEST["new"]


def test_the_network_computes_in_what_was_decided_in_training_validation_and_pictures(
    compose_small: Compose, on, tmp_path: Path
) -> None:
    on("new")
    training = assemble(compose_small("precision=auto", PICTURES), tmp_path)
    features: set[tuple[bool, torch.dtype, bool]] = set()

    def note(module: nn.Module, inputs: object, output: torch.Tensor) -> None:
        features.add((module.training, output.dtype, output.is_contiguous(memory_format=torch.channels_last)))

    for module in training.model.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(note)
    training.trainer.fit(training.task, training.data)
    assert features == {(True, torch.bfloat16, True), (False, torch.bfloat16, True)}
    assert {each.dtype for each in training.model.parameters()} == {torch.float32}


@pytest.mark.fast
@pytest.mark.parametrize(("ours", "first"), [("old", "new"), ("new", "old")])
def test_a_rank_of_another_machine_computes_as_the_first_one(
    compose_small: Compose, on, tmp_path: Path, ours: str, first: str
) -> None:
    """As it is handed over; tests/e2e/test_ranks_of_unlike_machines.py has two ranks."""
    on(first)
    decided = SameArithmetic(nn.Identity(), decide_arithmetic(compose_small("precision=auto"))[0]).arithmetic
    on(ours)
    model, task, _, trainer = assemble(compose_small("precision=auto"), tmp_path)
    trainer.strategy.broadcast = lambda ours, src=0: decided
    for callback in trainer.callbacks:
        if isinstance(callback, SameArithmetic):
            callback.setup(trainer, task, "fit")
    assert trainer.precision == decided[0]
    assert trainer.strategy.precision_plugin.precision == decided[0]
    weights = [each for each in model.parameters() if each.ndim == 4]
    assert all(each.is_contiguous(memory_format=torch.channels_last) for each in weights)


@pytest.mark.fast
def test_memory_formats_are_there_and_back_without_a_change() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv3d(3, 4, 3), nn.Linear(2, 2))
    before = {name: each.clone() for name, each in model.state_dict().items()}
    use_memory_format(model, "channels_last")
    assert model[0].weight.is_contiguous(memory_format=torch.channels_last)
    assert all(torch.equal(before[name], each) for name, each in model.state_dict().items())
    use_memory_format(model, "contiguous")
    assert all(each.is_contiguous() for each in model.parameters())


@pytest.mark.fast
@pytest.mark.parametrize("further", [[], ["trainer.precision=bf16-mixed"], ["precision=bfloat16"]])
def test_a_repeated_command_means_what_was_recorded(compose_small: Compose, on, tmp_path: Path, further) -> None:
    """In a run that was killed before its first checkpoint, too."""
    on("new")
    run, asked = RunFolder(tmp_path), compose_small("precision=auto", "on_existing=resume", *further)
    values, _ = decide_arithmetic(asked)
    run.write_config(values)
    run.write_environment({})
    on("old")
    decision = plan(run, Request(asked, {}, []))
    assert isinstance(decision, Start)
    assert decision.request.values == values


@pytest.mark.fast
@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["precision=float32"], "precision was 'bfloat16' and is 'float32'"),
        (["precision=auto", "trainer.precision=32-true"], "precision was 'bfloat16' and is 'float32'"),
        (["precision=auto", "memory_format=contiguous"], "memory_format was 'channels_last' and is 'contiguous'"),
    ],
)
def test_another_precision_is_another_configuration(compose_small: Compose, on, tmp_path: Path, typed, said) -> None:
    on("new")
    run = RunFolder(tmp_path)
    run.write_config(decide_arithmetic(compose_small("precision=auto"))[0])
    run.write_environment({})
    with pytest.raises(ValueError, match=f"another configuration: {said}"):
        plan(run, Request(compose_small("on_existing=resume", *typed), {}, []))


@pytest.mark.fast
@pytest.mark.parametrize("typed", ["precision=float32", "memory_format=contiguous", "trainer.precision=32-true"])
def test_a_resume_cannot_change_it(trained: RunFolder, typed: str) -> None:
    with pytest.raises(ValueError, match=f"{typed} cannot change"):
        resume(trained.path, [typed])


def test_a_word_that_lightning_does_not_know_is_told(compose_small: Compose, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Precision 9 .*'32-true'"):
        start(compose_small("precision=auto", "trainer.precision=9"), tmp_path)

"""Panels show what a network predicts, one whose parameters are shared out among ranks too."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import distributed, multiprocessing

from segexp.config.compose import compose
from segexp.train.assemble import assemble
from tests.conftest import PICTURES

NUM_RANKS = 2
OTHER_CALLBACKS = ("best", "last", "stop", "shared_folder", "non_finite", "step_seed", "throughput")
SHARED_OUT = ("trainer.devices=2", "trainer.strategy={_target_: tests.sharded_on_cpu.ShardedOnCpu}")


@pytest.mark.slow
def test_ranks_that_share_the_parameters_out_draw_what_one_draws(
    small: Callable[..., list[str]], tmp_path: Path
) -> None:
    overrides = small(*(f"~callbacks.{name}" for name in OTHER_CALLBACKS), PICTURES)
    (tmp_path / "alone").mkdir()
    (tmp_path / "together").mkdir()
    validate(overrides, tmp_path / "alone")
    multiprocessing.spawn(validate_on_one_rank, ([*overrides, *SHARED_OUT], tmp_path), nprocs=NUM_RANKS)
    alone, together = (np.asarray(Image.open(path)) for path in sorted(tmp_path.glob("*/pictures/validation.png")))
    assert alone.shape == together.shape
    assert (alone == together).mean() > 0.999  # which memory a sum runs over may decide a pixel


def validate_on_one_rank(rank: int, overrides: list[str], folder: Path) -> None:
    torch.set_num_threads(1)
    os.environ["LOCAL_RANK"] = str(rank)
    store = distributed.FileStore(f"{folder}/rendezvous", NUM_RANKS)
    distributed.init_process_group("gloo", store=store, rank=rank, world_size=NUM_RANKS)
    validate(overrides, folder / "together")
    distributed.destroy_process_group()


def validate(overrides: list[str], folder: Path) -> None:
    _, task, data, trainer = assemble(compose("train", overrides), folder)
    trainer.validate(task, data, verbose=False)

"""Two ranks with half a batch each step exactly like one rank with the whole batch: for every file of conf/loss."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import distributed, multiprocessing, nn
from torch.nn.functional import pad
from torch.nn.parallel import DistributedDataParallel

from segexp.types import VOID
from tests.loss.options import OPTIONS, build_loss, settings
from tests.warm_process import FORKS

NUM_CLASSES = 4
NUM_RANKS = 2
NUM_STEPS = 2  # with momentum: the second shows what a loss carries over from the first
TIME_LIMIT = timedelta(seconds=60)
"""How long a rank waits for another: those that do not agree on what they send each other would wait for ever."""
Steps = list[torch.Tensor]
"""Per step: the loss, then the gradient of each parameter."""
OVERRIDES: list[dict[str, Any]] = [{}, {"per_image": True}, {"momentum": 0.9}, {"label_smoothing": 0.1}]
"""None, and those that change how sums are shared among ranks."""
CASES = [(name, overrides) for name in OPTIONS for overrides in OVERRIDES if set(overrides) <= set(settings(name))]
Batch = tuple[torch.Tensor, torch.Tensor]
HALVES = ((2, 9, 8), (2, 9, 8))
SHARES = {
    "halves": HALVES,
    "other numbers of images": ((1, 9, 8), (3, 9, 8)),
    "no image on one rank": ((0, 9, 8), (2, 9, 8)),
    "other sizes": ((1, 9, 8), (2, 5, 11)),
    "few pixels beside many": ((1, 8, 8), (1, 370, 370)),
    "many pixels, more of them on one rank": ((1, 250, 250), (1, 260, 260)),
}
"""Number, height and width of the images of each rank."""


def test_two_ranks_step_like_one_and_evaluation_waits_for_nobody(subtests: pytest.Subtests, tmp_path: Path) -> None:
    warm = FORKS.get_start_method()
    multiprocessing.start_processes(train_and_evaluate_on_one_rank, (tmp_path,), NUM_RANKS, start_method=warm)
    ranks = [torch.load(tmp_path / f"{rank}.pt") for rank in range(NUM_RANKS)]
    for name, shares in SHARES.items():
        for index, (option, overrides) in enumerate(CASES):
            per_image = overrides.get("per_image", False)
            whole = in_one_batch(shares) if per_image else in_one_image(shares)
            alone = train_steps(option, overrides, network(), *whole)
            # pixels of padding count for the choice between sorting and counting
            rtol, atol = (5e-3, 5e-4) if per_image and "pixels" in name else (1e-4, 1e-6)
            with subtests.test(name, option=option, **overrides):
                steps = [rank[name][index] for rank in ranks]
                torch.testing.assert_close(steps, [alone] * NUM_RANKS, rtol=rtol, atol=atol)


def train_and_evaluate_on_one_rank(rank: int, folder: Path) -> None:
    store = join(rank, folder)
    replica = DistributedDataParallel(network())
    steps = {
        name: [train_steps(*case, replica, *batch_of_rank(rank, shares[rank])) for case in CASES]
        for name, shares in SHARES.items()
    }
    torch.save(steps, folder / f"{rank}.pt")
    evaluate_on_first_rank(rank, store)
    distributed.destroy_process_group()


def evaluate_on_first_rank(rank: int, store: distributed.Store) -> None:
    """Evaluate a batch on rank 0 only: a loss that communicates would wait for rank 1 until the time-out."""
    images, target = whole_batch()
    for option, overrides in CASES if rank == 0 else []:
        build_loss(option, NUM_CLASSES, **overrides).eval()(network()(images), target)
    store.set(str(rank), "")
    store.wait([str(each) for each in range(NUM_RANKS)])  # no rank must leave while another still evaluates


def join(rank: int, folder: Path) -> distributed.Store:
    torch.set_num_threads(1)
    store = distributed.FileStore(f"{folder}/rendezvous", NUM_RANKS)
    distributed.init_process_group("gloo", store=store, rank=rank, world_size=NUM_RANKS, timeout=TIME_LIMIT)
    return store


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Conv2d(3, NUM_CLASSES, 1)  # of single pixels, so that their neighbours do not matter


def batch_of_rank(rank: int, share: tuple[int, int, int]) -> Batch:
    """Draw images; most pixels of the first rank are void, and only the others have the last class."""
    num_images, height, width = share
    generator = torch.Generator().manual_seed(rank)
    images = torch.randn(num_images, 3, height, width, generator=generator)
    target = torch.randint(0, NUM_CLASSES, (num_images, height, width), generator=generator, dtype=torch.uint8)
    if rank == 0:
        target[target == NUM_CLASSES - 1] = 0
        target[:, 1:] = VOID
    return images, target


def whole_batch() -> Batch:
    """All images of a batch whose halves the ranks hold."""
    return in_one_batch(HALVES)


def in_one_batch(shares: tuple[tuple[int, int, int], ...]) -> Batch:
    """The images of all ranks, the smaller ones padded with void."""
    size = [max(share[axis] for share in shares) for axis in (1, 2)]
    batches = [batch_of_rank(*each) for each in enumerate(shares)]
    images = [_padded(image, size, 0) for image, _ in batches]
    return torch.cat(images), torch.cat([_padded(target, size, VOID) for _, target in batches])


def _padded(tensor: torch.Tensor, size: list[int], value: int) -> torch.Tensor:
    height, width = tensor.shape[-2:]
    return pad(tensor, (0, size[1] - width, 0, size[0] - height), value=value)


def in_one_image(shares: tuple[tuple[int, int, int], ...]) -> Batch:
    """The pixels of all ranks, and no others, side by side."""
    batches = [batch_of_rank(*each) for each in enumerate(shares)]
    pixels = torch.cat([image.movedim(1, 0).flatten(1) for image, _ in batches], 1)  # c pixel
    return pixels[None, :, None], torch.cat([target.flatten() for _, target in batches])[None, None]


def train_steps(
    option: str, overrides: dict[str, Any], model: nn.Module, images: torch.Tensor, target: torch.Tensor
) -> Steps:
    loss = build_loss(option, NUM_CLASSES, **overrides)
    steps: Steps = []
    for scale in range(1, (NUM_STEPS if "momentum" in overrides else 1) + 1):
        model.zero_grad()
        value = loss(scale * model(images), target)
        value.backward()
        steps += [
            value.detach(),
            *(parameter.grad.clone() for parameter in model.parameters() if parameter.grad is not None),
        ]
    return steps

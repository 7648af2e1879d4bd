"""Which rank sees which sample when."""

import pytest

from segexp.data.sampler import EvaluationSampler, TrainingSampler


def epoch_of(sampler: TrainingSampler, epoch: int) -> list[tuple[int, int]]:
    sampler.set_epoch(epoch)
    return list(sampler)


def test_an_epoch_is_a_permutation_given_by_seed_and_epoch() -> None:
    sampler = TrainingSampler(12, batch_size=4, seed=3)
    first = epoch_of(sampler, 0)
    assert sorted(index for _, index in first) == list(range(12))
    assert first == epoch_of(TrainingSampler(12, batch_size=4, seed=3), 0)
    assert [index for _, index in epoch_of(sampler, 1)] != [index for _, index in first]
    assert first != epoch_of(TrainingSampler(12, batch_size=4, seed=4), 0)


def test_keys_carry_the_epoch() -> None:
    assert {epoch for epoch, _ in epoch_of(TrainingSampler(8, 2, seed=0), 5)} == {5}


@pytest.mark.parametrize("num_ranks", [2, 3])
def test_the_batches_of_all_ranks_together_are_those_of_one_rank(num_ranks: int) -> None:
    whole = epoch_of(TrainingSampler(26, 2 * num_ranks, seed=1), 0)
    ranks = [epoch_of(TrainingSampler(26, 2, seed=1, rank=rank, num_ranks=num_ranks), 0) for rank in range(num_ranks)]
    for step in range(len(whole) // (2 * num_ranks)):
        together = [key for keys in ranks for key in keys[2 * step : 2 * step + 2]]
        assert sorted(together) == sorted(whole[2 * num_ranks * step : 2 * num_ranks * (step + 1)])


def test_every_batch_is_full() -> None:
    sampler = TrainingSampler(11, batch_size=4, seed=0)
    assert len(sampler) == len(list(sampler)) == 8


@pytest.mark.parametrize("num_ranks", [1, 2])
def test_an_epoch_that_goes_on_leaves_out_what_was_seen(num_ranks: int) -> None:
    for rank in range(num_ranks):
        sampler = TrainingSampler(26, 3, seed=1, rank=rank, num_ranks=num_ranks)
        whole, following = epoch_of(sampler, 4), epoch_of(sampler, 5)
        sampler.start_at(4, num_batches=2)
        assert epoch_of(sampler, 4) == whole[6:]
        assert epoch_of(sampler, 5) == following
        assert len(sampler) == len(whole)


def test_too_few_samples_for_one_batch_say_what_would_fit() -> None:
    with pytest.raises(ValueError, match="set data.batch_size to at most 3"):
        TrainingSampler(6, batch_size=4, seed=0, num_ranks=2)


@pytest.mark.parametrize(("num_samples", "num_ranks"), [(500, 3), (5, 2), (2, 3)])
def test_evaluation_neither_pads_nor_repeats(num_samples: int, num_ranks: int) -> None:
    seen = [index for rank in range(num_ranks) for index in EvaluationSampler(num_samples, rank, num_ranks)]
    assert sorted(seen) == list(range(num_samples))

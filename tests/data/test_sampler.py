"""The order in which each rank reads samples, and the samples that it leaves out."""

import pytest

from segexp.data.sampler import EvaluationSampler, TrainingSampler


def keys_of_epoch(sampler: TrainingSampler, epoch: int) -> list[tuple[int, int]]:
    sampler.set_epoch(epoch)
    return list(sampler)


def test_an_epoch_is_a_permutation_given_by_seed_and_epoch() -> None:
    sampler = TrainingSampler(12, batch_size=4, seed=3)
    first = keys_of_epoch(sampler, 0)
    assert sorted(index for _, index in first) == list(range(12))
    assert first == keys_of_epoch(TrainingSampler(12, batch_size=4, seed=3), 0)
    assert [index for _, index in keys_of_epoch(sampler, 1)] != [index for _, index in first]
    assert first != keys_of_epoch(TrainingSampler(12, batch_size=4, seed=4), 0)


def test_keys_carry_the_epoch() -> None:
    assert {epoch for epoch, _ in keys_of_epoch(TrainingSampler(8, 2, seed=0), 5)} == {5}


@pytest.mark.parametrize("num_ranks", [2, 3])
def test_the_batches_of_all_ranks_together_are_those_of_one_rank(num_ranks: int) -> None:
    whole = keys_of_epoch(TrainingSampler(26, 2 * num_ranks, seed=1), 0)
    samplers = [TrainingSampler(26, 2, seed=1, rank=rank, num_ranks=num_ranks) for rank in range(num_ranks)]
    ranks = [keys_of_epoch(sampler, 0) for sampler in samplers]
    for step in range(len(whole) // (2 * num_ranks)):
        together = [key for keys in ranks for key in keys[2 * step : 2 * step + 2]]
        assert sorted(together) == sorted(whole[2 * num_ranks * step : 2 * num_ranks * (step + 1)])


def test_every_batch_is_full() -> None:
    sampler = TrainingSampler(11, batch_size=4, seed=0)
    assert len(sampler) == len(list(sampler)) == 8


@pytest.mark.parametrize("num_ranks", [1, 2])
def test_a_resumed_epoch_skips_the_batches_that_were_seen(num_ranks: int) -> None:
    for rank in range(num_ranks):
        sampler = TrainingSampler(26, 3, seed=1, rank=rank, num_ranks=num_ranks)
        whole, following = keys_of_epoch(sampler, 4), keys_of_epoch(sampler, 5)
        sampler.start_at(4, num_batches=2)
        assert keys_of_epoch(sampler, 4) == whole[6:]
        assert keys_of_epoch(sampler, 5) == following
        assert len(sampler) == len(whole)


def test_the_error_for_too_few_samples_names_the_largest_batch_size() -> None:
    with pytest.raises(ValueError, match="data.batch_size to at most 3") as error:
        TrainingSampler(6, batch_size=4, seed=0, num_ranks=2)
    facts, message = ("6 training samples", "batch of 4", "2 ranks"), str(error.value)
    assert [fact for fact in facts if fact not in message] == [], message


@pytest.mark.parametrize(("num_samples", "num_ranks"), [(500, 3), (5, 2), (2, 3)])
def test_evaluation_neither_pads_nor_repeats(num_samples: int, num_ranks: int) -> None:
    seen = [index for rank in range(num_ranks) for index in EvaluationSampler(num_samples, rank, num_ranks)]
    assert sorted(seen) == list(range(num_samples))


def test_fewer_samples_than_ranks_are_answered_with_a_cure_that_helps() -> None:
    with pytest.raises(ValueError, match=r"train on at most 2 ranks \(trainer.devices, .*or with more samples"):
        TrainingSampler(2, batch_size=1, seed=0, num_ranks=3)

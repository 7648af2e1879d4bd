"""Libraries are loaded without looking for garbage, which is looked for again afterwards."""

import gc

import pytest

from segexp.system.loading import loading


def test_garbage_is_looked_for_again_even_after_an_error() -> None:
    with pytest.raises(ImportError), loading():
        raise ImportError(str(gc.isenabled()))
    assert gc.isenabled()


def test_nobody_looks_for_garbage_meanwhile_and_whoever_turned_it_off_finds_it_off() -> None:
    with loading():
        assert not gc.isenabled()
        with loading():
            pass
        assert not gc.isenabled()

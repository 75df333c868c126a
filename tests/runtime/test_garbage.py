"""The pause of the cyclic collector."""

import gc

import pytest

from udfs.garbage import collector_paused


def test_the_collector_rests_inside_and_works_afterwards() -> None:
    assert gc.isenabled()
    with collector_paused():
        assert not gc.isenabled()
        with collector_paused():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_it_works_again_after_an_error() -> None:
    with pytest.raises(ValueError, match="poisoned"), collector_paused():
        raise ValueError("poisoned")
    assert gc.isenabled()


def test_a_collector_that_somebody_else_paused_stays_so() -> None:
    gc.disable()
    try:
        with collector_paused():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()

import threading

import numpy as np
import pytest

from bayesgmm import kernels
from bayesgmm.kernels import threads
from bayesgmm.kernels.block import BLOCK
from bayesgmm.kernels.shared import DONE, TAKEN
from bayesgmm.kernels.threads import called, piece_rows, threads_at_hand
from tests.laws import problem


def arguments(n, n_features=2):
    X, _, m = problem("VVV", n=n, n_features=n_features)
    v = np.random.default_rng(0).uniform(size=n)
    return X, v, kernels.log_constants(np.log(m.weights), m.precision_factors), m.means, m.precision_factors


@pytest.mark.parametrize("n", [100, 8192, 20_000, 100_001])
def test_threads_change_no_bit(n):
    rows = arguments(n)
    alone = kernels.threaded_statistics(*rows, threads=1)
    for n_threads in (2, 3, 16, None):
        for a, b in zip(kernels.threaded_statistics(*rows, threads=n_threads), alone, strict=True):
            np.testing.assert_array_equal(a, b)
    with kernels.kept_threads():
        for _ in range(3):
            for a, b in zip(kernels.threaded_statistics(*rows), alone, strict=True):
                np.testing.assert_array_equal(a, b)
    for a, b in zip(alone, kernels.expected_statistics(*rows), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12 * np.abs(b).max())


def pieces_of(kernel):
    """Four pieces in two threads by a kernel in Python."""
    return threads._over_pieces(kernel, (), ((),), 4, 0.0, 2)


def test_an_error_on_a_piece_is_raised_in_whichever_thread_it_comes():
    lock, begun = threading.Lock(), threading.Event()

    def kernel(counters, out):
        is_main = threading.current_thread() is threading.main_thread()
        if is_main:
            begun.wait(10)
        with lock:
            p, counters[TAKEN] = counters[TAKEN], counters[TAKEN] + 1
        begun.set()
        if not is_main:
            raise MemoryError("piece 0")
        while p < len(out):
            out[p] = p
            counters[DONE] += 1
            p, counters[TAKEN] = counters[TAKEN], counters[TAKEN] + 1

    with pytest.raises(MemoryError, match="piece 0"):
        pieces_of(kernel)


def test_nobody_goes_on_after_ctrl_c():
    seen, stopped = [], threading.Event()

    def kernel(counters, out):
        if threading.current_thread() is threading.main_thread():
            raise KeyboardInterrupt
        while counters[TAKEN] < len(out) and not stopped.wait(0.01):
            pass
        seen.append(counters[TAKEN])

    with pytest.raises(KeyboardInterrupt):
        pieces_of(kernel)
    assert seen in ([], [4])


@pytest.mark.parametrize(("n", "n_numbers"), [(1, 1), (8191, 4), (10**5, 12), (10**6, 125), (10**6, 5 * 10**5), (10**9, 9)])
def test_pieces_are_whole_blocks_and_few(n, n_numbers):
    rows = piece_rows(n, n_numbers)
    assert rows % BLOCK == 0
    assert 1 <= -(-n // rows) <= 64
    assert -(-n // rows) * n_numbers <= max(2**21, n_numbers)


def test_threads_are_asked_for_by_an_environment_variable(monkeypatch):
    monkeypatch.setenv("BAYESGMM_THREADS", "3")
    assert threads_at_hand() == 3
    monkeypatch.delenv("BAYESGMM_THREADS")
    assert threads_at_hand() >= 1


@pytest.mark.parametrize("n_draws", [1, 7, 400])
def test_threads_over_draws_change_no_bit(monkeypatch, n_draws):
    X, _, m = problem("VVV", n=5000, n_features=2)
    parts = (kernels.log_constants(np.log(m.weights), m.precision_factors), m.means, m.precision_factors)
    some = [np.stack([part * (1 + 1e-3 * s) for s in range(n_draws)]) for part in parts]
    alone, sums = kernels.draws_log_density(X, *some), []
    for n_threads in ("1", "3"):
        monkeypatch.setenv("BAYESGMM_THREADS", n_threads)
        np.testing.assert_array_equal(kernels.threaded_draws(kernels.draws_log_density, X, some), alone)
        sums.append(kernels.summed_draws(kernels.draws_responsibilities, X, some))
    np.testing.assert_array_equal(*sums)
    np.testing.assert_allclose(sums[0], kernels.draws_responsibilities(X, *some), rtol=1e-12, atol=1e-300)


def test_alone_no_pass_takes_another_thread(monkeypatch):
    X, v, *components = arguments(300_000)
    some = [np.stack([part] * 4) for part in components]
    together = kernels.threaded_draws(kernels.draws_log_density, X, some)
    monkeypatch.setattr(threads, "ThreadPoolExecutor", None)
    with kernels.alone():
        kernels.threaded_statistics(X, v, *components)
        kernels.summed_draws(kernels.draws_responsibilities, X, some)
        np.testing.assert_array_equal(kernels.threaded_draws(kernels.draws_log_density, X, some), together)
    monkeypatch.setenv("BAYESGMM_THREADS", "2")
    with pytest.raises(TypeError):
        kernels.threaded_draws(kernels.draws_log_density, X, some)


def test_kept_threads_end_with_their_block():
    before = threading.active_count()
    with kernels.kept_threads():
        kernels.threaded_statistics(*arguments(300_000))
        assert threading.active_count() > before
    assert threading.active_count() == before


def test_ctrl_c_on_the_way_back_from_a_kernel_is_ctrl_c():
    """Numba's dispatcher makes a SystemError of it, with the interrupt as its cause; other errors stay what they are."""

    def returned_with(cause):
        raise SystemError("CPUDispatcher(...) returned a result with an exception set") from cause

    hidden = SystemError("returned a result with an exception set")
    hidden.__cause__ = KeyboardInterrupt()
    for cause in (KeyboardInterrupt(), hidden):
        with pytest.raises(KeyboardInterrupt):
            called(returned_with, cause)
    with pytest.raises(SystemError):
        called(returned_with, MemoryError())

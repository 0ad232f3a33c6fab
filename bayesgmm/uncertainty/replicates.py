"""Many fits of one kind: side by side where that pays, the same whatever their order, and what is finished when Ctrl-C comes."""

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from bayesgmm import kernels
from bayesgmm.progress import progress_bar


def replicates[Fit](
    fit: Callable[[int], Fit], n_replicates: int, abreast: int, progress: bool, told: str
) -> tuple[list[Fit], bool]:
    """``fit(0), fit(1), ...`` in this order, and whether all of them are there.

    Parameters
    ----------
    fit : callable
        Takes the number of a replicate, from which its random stream follows.
    abreast : int
        How many are made at a time.
    told : str
        What the progress bar says.

    Raises
    ------
    KeyboardInterrupt
        If Ctrl-C came before the first was finished.
    """
    finished: dict[int, Fit] = {}
    with progress_bar(progress) as bar:
        task = bar.add_task(told, total=n_replicates)
        try:
            if abreast == 1:
                for number in range(n_replicates):
                    finished[number] = fit(number)
                    bar.advance(task)
            else:
                _side_by_side(fit, n_replicates, abreast, finished, lambda: bar.advance(task))
        except KeyboardInterrupt:
            if not finished:
                raise
    return [finished[number] for number in sorted(finished)], len(finished) == n_replicates


def _side_by_side[Fit](
    fit: Callable[[int], Fit], n_replicates: int, abreast: int, finished: dict[int, Fit], tell: Callable[[], None]
) -> None:
    """The same in threads: at Ctrl-C each ends the replicate that it is in, and takes no other one."""

    def fit_alone(number: int) -> Fit:
        with kernels.alone():
            return fit(number)

    with ThreadPoolExecutor(abreast) as pool:
        running: dict[Future[Fit], int] = {}
        numbers = iter(range(n_replicates))
        try:
            while True:
                for number in numbers:
                    running[pool.submit(fit_alone, number)] = number
                    if len(running) >= 2 * abreast:
                        break
                if not running:
                    return
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    finished[running[future]] = future.result()
                    del running[future]
                    tell()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise

"""``bayesgmm doctor``: whether what is installed works, what is wrong with it, and how to mend it."""

import os
import platform
import sys
from typing import Annotated, Any

import typer

import bayesgmm as bg
from bayesgmm.cli import documents, options
from bayesgmm.cli.doctor import caches, packages, threads, trials
from bayesgmm.cli.doctor.caches import Cache
from bayesgmm.cli.doctor.packages import Package
from bayesgmm.cli.doctor.problems import Problem
from bayesgmm.cli.doctor.threads import Threads
from bayesgmm.cli.doctor.trials import Trial
from bayesgmm.cli.output import say, show

EXAMPLES = ("bayesgmm doctor", "bayesgmm doctor --nuts", "bayesgmm doctor --json > doctor.json")
VARIABLES = ("BAYESGMM_THREADS", "NUMBA_CACHE_DIR", "NUMBA_DISABLE_JIT", "PYTENSOR_FLAGS")
UNHEALTHY = 1


def doctor(
    nuts: Annotated[bool, typer.Option("--nuts", help="Try NUTS too; it may compile for a minute.")] = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Look whether all that is installed works.

    Versions, caches of compiled code, threads, and small fits with the time they take; what is wrong, and how to mend it. Ends
    with exit code 1 where something is wrong.
    """
    found, at_hand = packages.find(), threads.find()
    tried = [] if at_hand.problems else trials.run([name for name in trials.TRIALS if nuts or name != "NUTS"])
    kept = caches.find()
    problems = [problem for part in (found, [at_hand], kept, tried) for each in part for problem in each.problems]
    if as_json:
        documents.write_document("doctor", _document(found, at_hand, kept, tried, problems))
    else:
        if not quiet:
            _tell(found, at_hand, kept, tried)
        say(*(f"{problem.what} {problem.cure}" for problem in problems) if problems else ("All is well.",))
    if problems:
        raise typer.Exit(UNHEALTHY)


def _tell(found: list[Package], at_hand: Threads, kept: list[Cache], tried: list[Trial]) -> None:
    say(f"bayesgmm {bg.__version__}, Python {platform.python_version()} at {sys.executable}, {platform.platform()}")
    rows = [(p.name, p.installed or "-", p.required, p.extra or "-", "yes" if p.fits else "no") for p in found]
    show(("package", "installed", "required", "extra", "fits"), rows)
    size = [(c.what, str(c.path), f"{c.n_files}", f"{c.size / 1e6:.1f}", "yes" if c.is_writable else "no") for c in kept]
    show(("cache of", "folder", "files", "MB", "writable"), size)
    if tried:
        show(("trial", "seconds", "result"), [(t.name, f"{t.seconds:.1f}", t.told) for t in tried])
    say(at_hand.told, *(f"{name}={value}" for name, value in _environment().items()))


def _environment() -> dict[str, str]:
    """Variables that change how fits run, where they are set."""
    return {name: os.environ[name] for name in VARIABLES if name in os.environ}


def _document(
    found: list[Package], at_hand: Threads, kept: list[Cache], tried: list[Trial], problems: list[Problem]
) -> dict[str, Any]:
    return {
        "healthy": not problems,
        "problems": [{"what": problem.what, "cure": problem.cure} for problem in problems],
        "python": {"version": platform.python_version(), "executable": sys.executable, "platform": platform.platform()},
        "packages": [
            {"name": p.name, "installed": p.installed, "required": p.required, "extra": p.extra, "fits": p.fits} for p in found
        ],
        "caches": [
            {"of": c.what, "folder": c.path, "exists": c.exists, "writable": c.is_writable, "n_files": c.n_files, "bytes": c.size,
             "free_bytes": c.free}
            for c in kept
        ],
        "threads": {"at_hand": at_hand.at_hand, "processors": at_hand.processors},
        "environment": _environment(),
        "trials": [{"name": t.name, "seconds": t.seconds, "passed": t.passed, "told": t.told} for t in tried],
    }  # fmt: skip

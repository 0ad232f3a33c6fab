"""Write the pages of the API reference and the command line's help, from the package itself.

What is public decides what is listed. A name that is new in ``bayesgmm.__all__`` or in a public module appears by itself, under
"Further" until a group below has it.
"""

import importlib
import inspect
import re
import typing
from collections.abc import Iterator
from functools import cache, cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

from typer.cli import app as typer
from typer.testing import CliRunner

import bayesgmm as bg

GROUPS = {
    "Data": "load_dataset simulate",
    "What is fitted": "Specification Mixture Prior ComponentsPrior Concentration Noise Frozen build_model capabilities",
    "Fitting": "fit_em select_model fit_bayes fit_mfm EMResult Posterior MfmPosterior",
    "Many rows": "open_source Blocks Distributed OnDevice StepwiseEM",
    "What may be believed": "diagnose relabel compare_em_bayes",
    "How many components": (
        "select_n_components waic loo kfold compare log_marginal_likelihood bayes_factors cross_validate likelihood_ratio_test "
        "sequential_likelihood_ratio_tests merge_components"
    ),
    "How sure EM is": "bootstrap",
    "Reading the posterior": "similarity_matrix partition credible_ball memberships draw_allocations",
    "How far it hangs on the prior": "prior_sensitivity power_scaling prior_beside_posterior prior_predictive",
    "Telling and keeping": "report load",
}
REST = "Further"
MODULES = sorted({*bg.MODULES, "prior"})  # whose names are used with the module's
VALUES = "What functions return"
INSIDE = ("bayesgmm.kernels", "bayesgmm.covariance.blocks")  # of which nothing is told
EXIT_CODE = re.compile(r"^  (\d+)  (.*)$", re.MULTILINE)

type Named = dict[str, Any]


@cache
def public() -> Named:
    """Functions and classes by the shortest name under which they can be had, those of modules after those of the package."""
    found = {f"bayesgmm.{name}": getattr(bg, name) for name in bg.__all__}
    for name, module in modules().items():
        had = {id(value) for value in found.values()}
        own = {f"bayesgmm.{name}.{each}": getattr(module, each) for each in module.__all__}
        found |= {each: value for each, value in own.items() if _is_told(value) and id(value) not in had}
    return found


@cache
def modules() -> dict[str, ModuleType]:
    """The public modules by name."""
    return {name: importlib.import_module(f"bayesgmm.{name}") for name in MODULES}


@cache
def values() -> Named:
    """Classes of the package that public functions return, and that public classes hold, and are not public by themselves."""
    known, found = {id(value) for value in public().values()}, dict[str, Any]()
    ahead = list(public().values())
    while ahead:
        for kind in _kinds(ahead.pop()):
            if id(kind) not in known:
                known.add(id(kind))
                found[f"{kind.__module__}.{kind.__qualname__}"] = kind
                ahead.append(kind)
    return dict(sorted(found.items(), key=lambda item: item[1].__name__))


def aliases() -> dict[str, str]:
    """Names of classes as docstrings have them, and where they are described."""
    return {value.__name__: name for name, value in (values() | public()).items() if inspect.isclass(value)}


def write(folder: Path) -> None:
    """All pages; files that say the same already are left alone, so that a second build reads what has changed."""
    pages = {"index.rst": _index(), "command_line.inc": _command_line()}
    pages |= {f"{name}.rst": _module(name, module) for name, module in modules().items()}
    folder.mkdir(exist_ok=True)
    for name, text in pages.items():
        page = folder / name
        if not page.exists() or page.read_text(encoding="utf-8") != text:
            page.write_text(text, encoding="utf-8")
    listed = {*public(), *values()}
    for stub in (folder / "names").glob("*.rst"):
        if stub.stem not in listed:
            stub.unlink()


def _is_told(value: Any) -> bool:
    return inspect.isclass(value) or inspect.isfunction(value)


def _kinds(value: Any) -> Iterator[type]:
    """Classes of the package in what a function returns, or in the fields and properties of a class."""
    if inspect.isfunction(value):
        yield from _classes(inspect.signature(value).return_annotation)
        return
    for kind in getattr(value, "__annotations__", {}).values():
        yield from _classes(kind)
    for name, member in inspect.getmembers(value):
        getter = getattr(member, "fget", None) or (member.func if isinstance(member, cached_property) else None)
        if getter is not None and not name.startswith("_"):
            yield from _classes(inspect.signature(getter).return_annotation)


def _classes(annotation: Any) -> Iterator[type]:
    where = annotation.__module__ if inspect.isclass(annotation) else ""
    if where.startswith("bayesgmm") and not where.startswith(INSIDE):
        yield annotation
    for part in typing.get_args(annotation):
        yield from _classes(part)


def _index() -> str:
    groups = {title: [f"bayesgmm.{name}" for name in names.split() if name in bg.__all__] for title, names in GROUPS.items()}
    placed = {name for names in groups.values() for name in names}
    groups[REST] = sorted({f"bayesgmm.{name}" for name in bg.__all__} - placed)
    parts = [_title("Reference", "="), "With ``import bayesgmm as bg``.\n"]
    parts += [f"{_title(title, '-')}\n{_table(f'~{name}' for name in names)}" for title, names in groups.items() if names]
    parts.append(f"{_title('Modules', '-')}\n.. toctree::\n   :maxdepth: 1\n\n" + "".join(f"   {name}\n" for name in modules()))
    parts.append(f"{_title(VALUES, '-')}\n{_table(f'~{name}' for name in values())}")
    return "\n".join(parts)


def _module(name: str, module: ModuleType) -> str:
    qualified = f"bayesgmm.{name}"
    own = [each.rpartition(".")[2] for each in public() if each.rpartition(".")[0] == qualified]
    elsewhere = [each for each in module.__all__ if each not in own and f"bayesgmm.{each}" in public()]
    parts = [_title(qualified, "="), f".. automodule:: {qualified}\n   :no-members:\n", _table(own)]
    if elsewhere:
        parts.append("In the package itself, too:\n\n" + "".join(f"* :obj:`~bayesgmm.{each}`\n" for each in elsewhere))
    return "\n".join(parts)


def _table(names: typing.Iterable[str]) -> str:
    return ".. autosummary::\n   :toctree: names\n\n" + "".join(f"   {name}\n" for name in names)


def _title(text: str, line: str) -> str:
    return f"{text}\n{line * len(text)}\n"


def _command_line() -> str:
    """What ``--help`` says of all commands, in Markdown, by typer."""
    told = CliRunner().invoke(typer, ["bayesgmm.cli", "utils", "docs", "--name", "bayesgmm"])
    if told.exit_code:
        raise RuntimeError(f"typer could not tell the command line's help: {told.output}")
    _, text = told.stdout.split("\n", 1)  # the title, which the page has
    return EXIT_CODE.sub(r"* `\1`: \2", text.replace("Exit codes:\n", "Exit codes:\n\n"))

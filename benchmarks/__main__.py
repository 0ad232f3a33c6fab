"""``python -m benchmarks``: measure, print as it comes, and write a table."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import machine, table
from benchmarks.figure import Figure, Remark
from benchmarks.rows import ROWS
from benchmarks.rows.row import Scale
from benchmarks.timing import told

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the rows that are asked for; Ctrl-C ends with what there is."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    options = parser().parse_args(given)
    about = machine.describe(given)
    for name, value in about.items():
        print(f"{name}: {value}")
    print(f"\n{table.LEGEND}")
    scale = Scale(options.quick, options.rounds or (3 if options.quick else 5), say)
    results: dict[str, list[Figure | Remark]] = {}
    partial = True

    def save() -> None:
        if options.output:
            options.output.write_text(table.markdown(results, about, partial), encoding="utf-8")

    try:
        for name in options.only or ROWS:
            row = ROWS[name]
            print(f"\n{name}: {row.about}", flush=True)
            results[name] = found = []
            try:
                for result in row.results(scale):
                    found.append(result)
                    say("")
                    print(table.line(result), flush=True)
            except Exception as error:  # the other rows go on
                found.append(Remark(name, f"not measured: {told(error)}"))
                say("")
                print(table.line(found[-1]), flush=True)
            save()  # what is measured is not lost if the process is killed
        partial = False
    except KeyboardInterrupt:
        say("")
        print("\nStopped; what was measured by then stands above.")
    save()
    if options.output:
        print(f"\nWritten to {options.output}.")
    return INTERRUPTED if partial else 0


def parser() -> argparse.ArgumentParser:
    """The command line."""
    rows = "\n".join(f"  {name:14} {row.about}" for name, row in ROWS.items())
    made = argparse.ArgumentParser(
        "python -m benchmarks",
        description="The package beside its peers, measured in one run.",
        epilog=f"rows:\n{rows}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--only", nargs="+", action="extend", choices=list(ROWS), metavar="NAME", help="these rows alone")
    made.add_argument("--quick", action="store_true", help="small sizes and few rounds: minutes, for a look")
    made.add_argument("--rounds", type=int, help="how often each is measured (5; 3 with --quick; long rows take fewer)")
    made.add_argument("--output", type=Path, metavar="FILE.md", help="write the table as Markdown")
    return made


def say(text: str) -> None:
    """What is being done now, on a line of its own that the next one replaces; nothing where nobody looks."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text[:120]}", end="", file=sys.stderr, flush=True)
    elif text:
        print(f"    ... {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

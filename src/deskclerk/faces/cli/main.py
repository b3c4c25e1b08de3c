"""The entry point: runs a command line and ends with its exit code."""

import sys
from collections.abc import Sequence

from deskclerk.faces.cli.app import cli
from deskclerk.faces.cli.failures import DONE, exit_code, report
from deskclerk.faces.cli.state import State, silence


def run(arguments: Sequence[str] | None = None) -> None:
    """Run one command line and leave the process."""
    sys.exit(main(arguments))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    state = State()
    # A command line that cannot be parsed still has its error in the form that it asks for.
    state.as_json = "--json" in words
    try:
        code = cli.main(words, prog_name="deskclerk", obj=state, standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        silence(sys.stdout)
        return DONE
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    except BaseException as error:  # noqa: BLE001 - whatever it is, it ends in an exit code
        report(error, state)
        return exit_code(error)
    return code if isinstance(code, int) else DONE

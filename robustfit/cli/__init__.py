"""``robustfit``: see a partition ensemble stand up to poison, and evaluate one on a table of your own."""

import sys

_NEEDED = ("typer", "click", "rich")


def main() -> None:
    """Run the command line; exit with 1 and one line if what it is built with is not installed."""
    try:
        from robustfit.cli._app import app
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _NEEDED:
            raise
        sys.exit('The command line needs typer and rich; install them with: pip install "robustfit[cli]"')
    for stream in (sys.stdout, sys.stderr):
        # A column name that the terminal cannot show must not end the run.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    app(prog_name="robustfit")

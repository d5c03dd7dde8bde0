"""``python -m robustfit.cli``."""

from robustfit.cli import main

main()

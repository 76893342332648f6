"""``python -m fluxdoctor``."""

from fluxdoctor.cli import main

main()

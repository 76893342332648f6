"""``python -m fluxdoctor``."""

from fluxdoctor.cli.main import main

main()

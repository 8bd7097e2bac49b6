"""`python -m gateway.cli`: the same as `stecker`."""

from gateway.cli import main

main(prog_name="stecker")

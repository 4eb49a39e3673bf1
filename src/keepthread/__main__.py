"""`python -m keepthread` is the command line."""

from keepthread.cli import main

main()

"""The command line. Data goes to stdout, talk to stderr; every command knows --json and ends with a documented code."""

from .main import main

__all__ = ["main"]

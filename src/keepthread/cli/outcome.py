"""How a command ends: the one place where errors become exit codes and sentences."""

from __future__ import annotations

import os
import sys
from enum import IntEnum

import click

from keepthread.errors import BusyError, InvalidError, KeepthreadError, NotFoundError, UnavailableError

from .render import say


class Code(IntEnum):
    """What a script learns from a command."""

    DONE = 0
    NOT_FOUND = 1
    USAGE = 2
    UNREACHABLE = 3
    FAILED = 4
    INTERRUPTED = 130


_CODES = (
    (NotFoundError, Code.NOT_FOUND),
    (InvalidError, Code.USAGE),
    (UnavailableError, Code.UNREACHABLE),
    (BusyError, Code.UNREACHABLE),
)


def code_of(error: KeepthreadError) -> Code:
    """Return the code that *error* ends a command with."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), Code.FAILED)


class Commands(click.Group):
    """A group of commands whose errors end with our codes, and never with a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command that was asked for."""
        try:
            result = super().invoke(ctx)
            # Now rather than at the interpreter's exit, where a reader that has gone would leave a traceback.
            sys.stdout.flush()
        except KeepthreadError as error:
            say(f"Error: {error.message}")
            if error.hint:
                say(f"Hint: {error.hint}")
            raise click.exceptions.Exit(code_of(error)) from error
        except (KeyboardInterrupt, click.Abort):
            say()  # the terminal's ^C has no line end
            raise click.exceptions.Exit(Code.INTERRUPTED) from None
        except BrokenPipeError:
            _forget_stdout()
            raise click.exceptions.Exit(Code.DONE) from None
        return result


def _forget_stdout() -> None:
    """Let what is left in the buffer go nowhere: the reader, `head` say, has all that it wanted."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

"""`keepthread`: the options that every command shares, and the commands."""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper

import click

from .chat import chat
from .copy import copy
from .database import Options
from .demo import demo
from .docker import docker_setup, docker_start, docker_stop
from .migrate import migrate
from .outcome import Commands
from .status import init, status
from .threads import ls, show

_ENDING = """\b
Examples:
  keepthread demo                       see it work, offline, in half a minute
  keepthread chat                       talk; the conversation is kept
  keepthread ls                         list conversations
  keepthread --db sqlite:///app.db show @last

\b
Exit codes:
  0 done, 1 not found, 2 usage, 3 database unreachable, 4 any other failure
"""


@click.group(cls=Commands, epilog=_ENDING, invoke_without_command=True, context_settings={"max_content_width": 100})
@click.option(
    "--db",
    metavar="PATH_OR_URL",
    help="The database, with its files beside it.  [default: KEEPTHREAD_DATABASE_URL, NARRATOR_DATABASE_URL or DB_URL, "
    "from the environment or .env; else ./keepthread.db]",
)
@click.option("--tenant", metavar="NAME", help="Whose conversations.  [default: default]")
@click.version_option(package_name="keepthread", prog_name="keepthread", message="%(prog)s %(version)s")
@click.pass_context
def main(ctx: click.Context, *, db: str | None, tenant: str | None) -> None:
    """Conversations that outlive the process: look at them, and have them."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character gets its code, and never a traceback.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if os.environ.get("NO_COLOR"):
        ctx.color = False
    ctx.obj = Options(db=db, tenant=tenant)
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


for _command in (init, migrate, status, ls, show, chat, copy, demo, docker_setup, docker_start, docker_stop):
    main.add_command(_command)

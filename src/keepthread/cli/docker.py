"""`docker-setup`, `docker-start`, `docker-stop`: the PostgreSQL server of Narrator's guide, in a container."""

from __future__ import annotations

import sys

import click

from keepthread.errors import UnavailableError

from .container import (
    CONTAINER,
    VOLUME,
    Container,
    Server,
    chosen_server,
    find_container,
    remove,
    start,
    stop,
    volumes_of,
)
from .database import Options, opened, run
from .render import print_json, program, say

_VARIABLE = "NARRATOR_DATABASE_URL"
_READY_SECONDS = 60.0

_ENDING = f"""
\b
The container is {CONTAINER}, its data are in the volume {VOLUME}, and it listens on
this machine only. User, password and database are narrator, narrator_dev and narrator, or what
NARRATOR_DB_USER, NARRATOR_DB_PASSWORD and NARRATOR_DB_NAME say when it is made.

\b
--json: url, container, volume, port, was_running
"""

_SETUP_EXAMPLES = f"""\b
Examples:
  keepthread docker-setup
  export {_VARIABLE}="$(keepthread docker-setup)"
{_ENDING}"""

_START_EXAMPLES = f"""\b
Examples:
  keepthread docker-start
  keepthread docker-start --port 5433
{_ENDING}"""

_STOP_EXAMPLES = """\b
Examples:
  keepthread docker-stop
  keepthread docker-stop --remove-volumes

\b
--json: container, stopped, removed (names of what was removed)
"""

_port = click.option(
    "--port", type=click.IntRange(1, 65535), help="On this machine, when the container is made.  [default: 5432]"
)
_timeout = click.option(
    "--timeout",
    "seconds",
    metavar="SECONDS",
    type=click.FloatRange(min=0, min_open=True),
    default=_READY_SECONDS,
    show_default=True,
    help="How long to wait until it takes connections.",
)
_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.command(epilog=_SETUP_EXAMPLES)
@_port
@_timeout
@_json
def docker_setup(*, port: int | None, seconds: float, as_json: bool) -> None:
    """Start PostgreSQL in a container, make the tables, and print the URL."""
    server, was_running = _started(port, seconds)
    run(_init(server))
    _tell(server, next_command="status", was_running=was_running, as_json=as_json)


@click.command(epilog=_START_EXAMPLES)
@_port
@_timeout
@_json
def docker_start(*, port: int | None, seconds: float, as_json: bool) -> None:
    """Start PostgreSQL in a container, with the data that it had, and print the URL."""
    server, was_running = _started(port, seconds)
    _tell(server, next_command="init", was_running=was_running, as_json=as_json)


@click.command(epilog=_STOP_EXAMPLES)
@click.option("--remove-volumes", is_flag=True, help="Remove the container and all of its data, for good.")
@click.option("--yes", is_flag=True, help="Do not ask before data are removed.")
@_json
def docker_stop(*, remove_volumes: bool, yes: bool, as_json: bool) -> None:
    """Stop the container. Its data are kept, unless they are to be removed."""
    found = find_container()
    removed: list[str] = []
    if remove_volumes:
        removed = _remove(found, is_sure=yes)
    elif found is None:
        say(f"There is no container {CONTAINER}.")
    elif found.status in ("exited", "created"):
        say(f"The container {CONTAINER} is stopped already.")
    else:
        stop()
        say(f"Stopped {CONTAINER}. Its data are kept; `{program()} docker-start` goes on with them.")
    if as_json:
        print_json({"container": CONTAINER, "stopped": found is not None, "removed": removed})


def _started(port: int | None, seconds: float) -> tuple[Server, bool]:
    """Start the container and wait for the server; return it, and whether it ran before."""
    from .readiness import wait_until_ready

    found = find_container()
    server = chosen_server(found, port)
    was_running = found is not None and found.status == "running"
    if found is None:
        say(f"Making the container {CONTAINER}. The first time, Docker fetches its image, which takes a while.")
    start(server, found)
    if not wait_until_ready("127.0.0.1", server.port, user=server.user, database=server.database, seconds=seconds):
        raise UnavailableError(
            f"The PostgreSQL server in {CONTAINER} took no connection on port {server.port} within {seconds:g} s.",
            hint=f"`docker logs {CONTAINER}` says why; --timeout allows it more time.",
        )
    return server, was_running


async def _init(server: Server) -> None:
    async with opened(Options(db=server.url), create=True):
        pass


def _tell(server: Server, *, next_command: str, was_running: bool, as_json: bool) -> None:
    if as_json:
        place = {"url": server.url, "container": CONTAINER, "volume": VOLUME, "port": server.port}
        print_json({**place, "was_running": was_running})
    else:
        click.echo(server.url)
    say(f"{CONTAINER} {'was running already' if was_running else 'runs'}. Next:")
    say(f'  export {_VARIABLE}="{server.url}"')
    say(f"  {program()} {next_command}")


def _remove(found: Container | None, *, is_sure: bool) -> list[str]:
    """Remove the container and its volumes once somebody has said yes, and return their names."""
    volumes = volumes_of(found)
    names = [CONTAINER] * (found is not None) + volumes
    if not names:
        say(f"There is no container {CONTAINER} and no volume {VOLUME}.")
        return []
    say(f"This removes, for good, all conversations in it: {', '.join(names)}.")
    if not is_sure and not sys.stdin.isatty():
        raise click.UsageError("Nobody is there to be asked. Say --yes to remove them.")
    if not is_sure and not click.confirm("Remove them?", err=True):
        say("Nothing was removed.")
        return []
    remove(found, volumes)
    say("Removed.")
    return names

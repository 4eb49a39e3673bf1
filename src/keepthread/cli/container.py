"""The container with Narrator's PostgreSQL: what state it is in, and how that is changed."""

from __future__ import annotations

from typing import NamedTuple

from keepthread.errors import InvalidSetting, UnavailableError

CONTAINER = "narrator-postgres"
VOLUME = "narrator_postgres_data"
IMAGE = "postgres:16"
DEFAULT_PORT = 5432

_STATE = (
    "{{.State.Status}}|"
    '{{with index .HostConfig.PortBindings "5432/tcp"}}{{(index . 0).HostPort}}{{end}}|'
    "{{range .Mounts}}{{.Name}} {{end}}"
)
_ANSWER_SECONDS = 60.0
_FETCH_SECONDS = 1800.0
"""The first start fetches the image."""
_PORT_IS_TAKEN = ("port is already allocated", "address already in use", "ports are not available")


class Server(NamedTuple):
    """The PostgreSQL server in the container, as a client names it."""

    user: str
    password: str
    database: str
    port: int

    @property
    def url(self) -> str:
        """Its URL, with the password: it is made for this desk, and known to everybody."""
        from urllib.parse import quote

        user, password, database = (quote(part, safe="") for part in self[:3])
        return f"postgresql+asyncpg://{user}:{password}@localhost:{self.port}/{database}"


class Container(NamedTuple):
    """A container that is there."""

    status: str
    port: int | None
    """On this machine."""
    volumes: tuple[str, ...]


class _Answer(NamedTuple):
    """What docker said."""

    code: int
    out: str
    err: str

    @property
    def reason(self) -> str:
        """The last thing that it said of an error."""
        from .render import visible_line

        return visible_line((self.err.strip().splitlines() or [f"exit code {self.code}"])[-1])


def find_container() -> Container | None:
    """Return the container, or None if there is none.

    Raises:
        UnavailableError: Docker is not installed, or does not answer.
    """
    answer = _docker("container", "inspect", "--format", _STATE, CONTAINER)
    if answer.code == 0:
        status, port, volumes = answer.out.strip().split("|")
        return Container(status, int(port) if port else None, tuple(volumes.split()))
    if "no such container" in answer.err.lower():
        return None
    raise UnavailableError(
        f"Docker does not answer: {answer.reason}",
        hint="Start Docker, or use a PostgreSQL server that you have, with --db.",
    )


def start(server: Server, found: Container | None) -> None:
    """Start the container, made if there is none; its data are in a volume of their own.

    Raises:
        UnavailableError: Its port is taken, or docker refused.
    """
    if found is not None and found.status == "running":
        return
    if found is not None and found.status == "paused":
        _must(_docker("unpause", CONTAINER))
        return
    if _is_taken(server.port):
        raise _port_is_taken(server.port)
    words = ["start", CONTAINER] if found is not None else _run_words(server)
    answer = _docker(*words, seconds=_FETCH_SECONDS)
    if answer.code and any(said in answer.err.lower() for said in _PORT_IS_TAKEN):
        if found is None:
            # Docker has made it before it found that out, and it would keep this port for ever.
            _docker("rm", CONTAINER)
        raise _port_is_taken(server.port)
    _must(answer)


def _run_words(server: Server) -> list[str]:
    settings = {"POSTGRES_USER": server.user, "POSTGRES_PASSWORD": server.password, "POSTGRES_DB": server.database}
    return [
        *("run", "--detach", "--name", CONTAINER),
        # For this machine alone: everybody knows the password.
        *("--publish", f"127.0.0.1:{server.port}:5432"),
        *(word for name, value in settings.items() for word in ("--env", f"{name}={value}")),
        *("--volume", f"{VOLUME}:/var/lib/postgresql/data"),
        IMAGE,
    ]


def stop() -> None:
    """Stop the container. It and its data stay."""
    _must(_docker("stop", CONTAINER))


def volumes_of(found: Container | None) -> list[str]:
    """Return the volumes with its data, also one that a container left."""
    volumes = list(found.volumes) if found is not None else []
    if VOLUME not in volumes and _docker("volume", "inspect", "--format", "{{.Name}}", VOLUME).code == 0:
        volumes.append(VOLUME)
    return volumes


def remove(found: Container | None, volumes: list[str]) -> None:
    """Remove the container, and all data in *volumes*."""
    if found is not None:
        _must(_docker("rm", "--force", CONTAINER))
    if volumes:
        _must(_docker("volume", "rm", *volumes))


def chosen_server(found: Container | None, port: int | None) -> Server:
    """Return what Narrator's guide names, or the variables NARRATOR_DB_USER, …_PASSWORD, …_NAME and …_PORT do.

    The port of a container that is there is the one that it was made with.

    Raises:
        InvalidSetting: *port* is another one, or the variable is no number.
    """
    from keepthread.store.environment import environment

    settings = {name: found.value for name, found in environment().items()}
    named = settings.get("NARRATOR_DB_PORT") or str(DEFAULT_PORT)
    if not named.isdecimal():
        raise InvalidSetting(f"NARRATOR_DB_PORT={named!r} is no port.")
    if found is not None and found.port is not None:
        if port not in (None, found.port):
            raise InvalidSetting(
                f"The container {CONTAINER} was made with port {found.port}, and keeps it.",
                hint=f"Leave --port out; or remove the container, which keeps its data: docker rm --force {CONTAINER}",
            )
        port = found.port
    return Server(
        user=settings.get("NARRATOR_DB_USER") or "narrator",
        password=settings.get("NARRATOR_DB_PASSWORD") or "narrator_dev",
        database=settings.get("NARRATOR_DB_NAME") or "narrator",
        port=port or int(named),
    )


def _is_taken(port: int) -> bool:
    import socket

    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _port_is_taken(port: int) -> UnavailableError:
    return UnavailableError(
        f"Port {port} is taken by something else.",
        hint=f"Stop what listens there; or, for a container that is not made yet, choose another: --port {port + 1}",
    )


def _must(answer: _Answer) -> None:
    if answer.code:
        raise UnavailableError(f"Docker refused: {answer.reason}")


def _docker(*words: str, seconds: float = _ANSWER_SECONDS) -> _Answer:
    import shutil
    import subprocess

    program = shutil.which("docker")
    if program is None:
        raise UnavailableError(
            "Docker is not installed, or not on the PATH.",
            hint="Install it, or use a PostgreSQL server that you have, with --db.",
        )
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and every word is ours or an option's value
            [program, *words], capture_output=True, check=False, encoding="utf-8", errors="replace", timeout=seconds
        )
    except subprocess.TimeoutExpired:
        raise UnavailableError(f"Docker did not answer within {seconds:g} s.", hint="Is its service well?") from None
    return _Answer(done.returncode, done.stdout, done.stderr)

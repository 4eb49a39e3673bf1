import json
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from keepthread.cli.container import chosen_server
from keepthread.cli.readiness import wait_until_ready
from tests.docker_engine import DockerEngine, free_port
from tests.store.postgres_server import postgres, postgres_database

from .command_line import Terminal, in_process

__all__ = ["postgres", "postgres_database"]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a program with a shebang")

CONTAINER = "narrator-postgres"
VOLUME = "narrator_postgres_data"
STOPPED = {"status": "exited", "port": "5432", "volumes": [VOLUME]}


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> int:
    """Nothing listens on it, and it is the default."""
    port = free_port()
    monkeypatch.setenv("NARRATOR_DB_PORT", str(port))
    return port


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgres: str, port: int) -> Iterator[DockerEngine]:
    """An engine without a container. The one that it makes leads to the tests' server and this test's database."""
    engine = DockerEngine(tmp_path / "engine", postgres)
    monkeypatch.setenv("PATH", engine.path)
    parts = urlsplit(postgres)
    monkeypatch.setenv("NARRATOR_DB_USER", parts.username or "postgres")
    monkeypatch.setenv("NARRATOR_DB_PASSWORD", parts.password or "any")
    monkeypatch.setenv("NARRATOR_DB_NAME", parts.path.removeprefix("/"))
    yield engine
    engine.end()


def test_without_settings_it_is_the_server_of_the_guide(monkeypatch: pytest.MonkeyPatch) -> None:
    server = chosen_server(None, None)

    assert server.url == "postgresql+asyncpg://narrator:narrator_dev@localhost:5432/narrator"


def test_setup_makes_the_container_and_the_tables_and_prints_the_url(docker: DockerEngine, port: int) -> None:
    ended = in_process("docker-setup", "--timeout", "50")

    url = ended.out.strip()
    assert ended.code == 0
    assert f"@localhost:{port}/" in url
    assert f'export NARRATOR_DATABASE_URL="{url}"' in ended.err
    assert json.loads(in_process("--db", url, "status", "--json").out)["threads"] == 0


def test_the_container_is_made_with_a_volume_for_its_data_and_for_this_machine_alone(
    docker: DockerEngine, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("USER", "PASSWORD", "NAME"):
        monkeypatch.delenv(f"NARRATOR_DB_{name}")

    ended = in_process("docker-start", "--json")

    url = f"postgresql+asyncpg://narrator:narrator_dev@localhost:{port}/narrator"
    assert json.loads(ended.out) == {
        "url": url,
        "container": CONTAINER,
        "volume": VOLUME,
        "port": port,
        "was_running": False,
    }
    assert docker.calls == [
        [
            *("run", "--detach", "--name", CONTAINER, "--publish", f"127.0.0.1:{port}:5432"),
            *("--env", "POSTGRES_USER=narrator", "--env", "POSTGRES_PASSWORD=narrator_dev"),
            *("--env", "POSTGRES_DB=narrator", "--volume", f"{VOLUME}:/var/lib/postgresql/data", "postgres:16"),
        ]
    ]


def test_a_container_that_runs_is_left_as_it_is(docker: DockerEngine) -> None:
    first = in_process("docker-start")

    second = in_process("docker-start")

    assert (second.code, second.out) == (0, first.out)
    assert "was running already" in second.err
    assert [words[0] for words in docker.calls] == ["run"]


def test_a_container_that_was_stopped_is_started_on_its_own_port(docker: DockerEngine) -> None:
    other = free_port()
    docker.set(container={**STOPPED, "port": str(other)})

    ended = in_process("docker-start")

    assert (ended.code, f":{other}/" in ended.out) == (0, True)
    assert docker.calls == [["start", CONTAINER]]


def test_a_port_other_than_the_containers_is_refused(docker: DockerEngine) -> None:
    docker.set(container=STOPPED)

    ended = in_process("docker-start", "--port", "5999")

    assert (ended.code, ended.out, docker.calls) == (2, "", [])
    assert "was made with port 5432" in ended.err


def test_a_container_that_is_paused_goes_on(docker: DockerEngine, port: int) -> None:
    docker.set(container={**STOPPED, "status": "paused", "port": str(port)})

    assert in_process("docker-start").code == 0
    assert docker.calls == [["unpause", CONTAINER]]


def test_stop_keeps_the_container_and_its_data(docker: DockerEngine) -> None:
    in_process("docker-start")

    ended, again = in_process("docker-stop"), in_process("docker-stop")

    assert (ended.code, again.code) == (0, 0)
    assert "docker-start" in ended.err
    assert "stopped already" in again.err
    assert [words[0] for words in docker.calls] == ["run", "stop"]
    assert docker.state["volumes"] == [VOLUME]


def test_stop_without_a_container_says_so(docker: DockerEngine) -> None:
    ended = in_process("docker-stop", "--json")

    assert (ended.code, json.loads(ended.out)["stopped"]) == (0, False)
    assert ended.err == f"There is no container {CONTAINER}.\n"


def test_data_are_removed_with_the_container_also_where_another_tool_made_its_volume(docker: DockerEngine) -> None:
    docker.set(container={**STOPPED, "volumes": ["tmp1_narrator_postgres_data"]}, volumes=[VOLUME])

    ended = in_process("docker-stop", "--remove-volumes", "--yes", "--json")

    removed = [CONTAINER, "tmp1_narrator_postgres_data", VOLUME]
    assert json.loads(ended.out)["removed"] == removed
    assert all(name in ended.err for name in removed)
    assert docker.calls == [["rm", "--force", CONTAINER], ["volume", "rm", *removed[1:]]]


def test_a_volume_that_a_container_left_is_removed(docker: DockerEngine) -> None:
    docker.set(volumes=[VOLUME])

    first, second = (in_process("docker-stop", "--remove-volumes", "--yes") for _ in range(2))

    assert (first.code, second.code) == (0, 0)
    assert docker.calls == [["volume", "rm", VOLUME]]
    assert "no volume" in second.err


def test_nothing_is_removed_where_nobody_can_be_asked(docker: DockerEngine) -> None:
    docker.set(container=STOPPED)

    ended = in_process("docker-stop", "--remove-volumes", stdin="y\n")

    assert (ended.code, docker.calls) == (2, [])
    assert "--yes" in ended.err


@pytest.mark.parametrize(("answer", "commands"), [(b"n\r", []), (b"\r", []), (b"y\r", ["rm", "volume"])])
def test_a_person_is_told_what_goes_and_asked(
    docker: DockerEngine, tmp_path: Path, answer: bytes, commands: list[str]
) -> None:
    docker.set(container=STOPPED)

    with Terminal("docker-stop", "--remove-volumes", cwd=tmp_path, PATH=docker.path) as terminal:
        terminal.wait_for("Remove them?")
        assert f"{CONTAINER}, {VOLUME}" in terminal.seen
        terminal.send(answer)
        code = terminal.end()

    assert (code, [words[0] for words in docker.calls]) == (0, commands)


def test_a_port_that_something_else_listens_on_is_named_before_anything_is_made(
    docker: DockerEngine, port: int
) -> None:
    with socket.create_server(("127.0.0.1", port)):
        ended = in_process("docker-setup")

    assert (ended.code, ended.out, docker.calls) == (3, "", [])
    assert f"Port {port} is taken by something else." in ended.err
    assert f"--port {port + 1}" in ended.err


def test_a_container_whose_port_docker_cannot_have_is_not_left_behind(docker: DockerEngine, port: int) -> None:
    docker.set(refuses={"run": f"docker: Bind for 127.0.0.1:{port} failed: port is already allocated."})

    ended = in_process("docker-start")

    assert ended.code == 3
    assert f"Port {port} is taken by something else." in ended.err
    assert docker.calls[1:] == [["rm", CONTAINER]]
    assert docker.state["container"] is None


@pytest.mark.parametrize("command", ["docker-setup", "docker-start", "docker-stop"])
def test_without_docker_the_remedy_is_named(command: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    ended = in_process(command)

    assert (ended.code, ended.out) == (3, "")
    assert ended.err.startswith("Error: Docker is not installed, or not on the PATH.\nHint: ")


@pytest.mark.parametrize("command", ["docker-setup", "docker-start", "docker-stop"])
def test_a_daemon_that_does_not_answer_is_named(docker: DockerEngine, command: str) -> None:
    docker.set(refuses={"container inspect": "Cannot connect to the Docker daemon. Is the docker daemon running?"})

    ended = in_process(command)

    assert (ended.code, ended.out, docker.calls) == (3, "", [])
    assert ended.err.startswith("Error: Docker does not answer: Cannot connect to the Docker daemon.")


def test_what_docker_refuses_is_said_in_its_words(docker: DockerEngine) -> None:
    docker.set(refuses={"run": "Unable to find image\ndocker: no space left on device."})

    ended = in_process("docker-start")

    assert (ended.code, ended.out) == (3, "")
    assert "Docker refused: docker: no space left on device." in ended.err


def test_a_server_that_never_answers_is_given_up(docker: DockerEngine, port: int) -> None:
    docker.set(container={**STOPPED, "status": "running", "port": str(port)})

    with socket.create_server(("127.0.0.1", port)):
        ended = in_process("docker-start", "--timeout", "0.3")

    assert (ended.code, ended.out) == (3, "")
    assert f"took no connection on port {port} within 0.3 s" in ended.err
    assert f"docker logs {CONTAINER}" in ended.err


def test_a_port_that_is_no_number_is_refused(docker: DockerEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NARRATOR_DB_PORT", "five")

    assert in_process("docker-start").code == 2


def test_nothing_listens_so_nothing_is_ready() -> None:
    assert not wait_until_ready("127.0.0.1", free_port(), user="a", database="b", seconds=0.3)

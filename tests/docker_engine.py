"""A stand-in for Docker: a program of that name that notes what it was told and plays one container and its volumes.

What the container publishes leads to a real server, if the test names one.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

_LONGEST_SECONDS = 300

PROGRAM = f"""#!{sys.executable}
import json, os, pathlib, signal, subprocess, sys
folder = pathlib.Path(__file__).parent
state = json.loads((folder / "state.json").read_text())
words = sys.argv[1:]
with (folder / "calls").open("a") as calls:
    calls.write(json.dumps(words) + "\\n")

def fail(text):
    print(text, file=sys.stderr)
    sys.exit(1)

def publish(port):
    if state["server"] is None:
        return
    forwarder = [sys.executable, str(folder / "forwarder.py"), str(port), json.dumps(state["server"])]
    child = subprocess.Popen(
        forwarder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    )
    child.stdout.readline()  # it listens
    state["pids"].append(child.pid)

def unpublish():
    for pid in state["pids"]:
        os.kill(pid, signal.SIGKILL)
    state["pids"] = []

command = " ".join(words[:2]) if words[0] in ("container", "volume") else words[0]
if state["refuses"].get(command):
    if command == "run":
        state["container"] = {{"status": "created", "port": "", "volumes": []}}
        (folder / "state.json").write_text(json.dumps(state))
    fail(state["refuses"][command])
container = state["container"]
if command == "container inspect":
    if container is None:
        fail("Error response from daemon: No such container: " + words[-1])
    print("|".join([container["status"], container["port"], " ".join(container["volumes"]) + " "]))
elif command == "run":
    port = words[words.index("--publish") + 1].split(":")[1]
    volume = words[words.index("--volume") + 1].split(":")[0]
    state["container"] = {{"status": "running", "port": port, "volumes": [volume]}}
    state["volumes"] = sorted({{*state["volumes"], volume}})
    publish(port)
    print("0123456789abcdef")
elif command in ("start", "unpause"):
    container["status"] = "running"
    publish(container["port"])
elif command == "stop":
    container["status"] = "exited"
    unpublish()
elif command == "rm":
    state["container"] = None
    unpublish()
elif command == "volume inspect":
    if words[-1] not in state["volumes"]:
        fail("Error response from daemon: get " + words[-1] + ": no such volume")
    print(words[-1])
elif command == "volume rm":
    state["volumes"] = [name for name in state["volumes"] if name not in words]
else:
    fail("unknown command: " + command)
(folder / "state.json").write_text(json.dumps(state))
"""

FORWARDER = f"""
import asyncio, json, signal, sys
signal.alarm({_LONGEST_SECONDS})
server = json.loads(sys.argv[2])

async def pass_on(reader, writer):
    try:
        while chunk := await reader.read(65536):
            writer.write(chunk)
    except ConnectionError:
        pass
    writer.close()

async def serve(reader, writer):
    reach = asyncio.open_unix_connection if isinstance(server, str) else lambda place: asyncio.open_connection(*place)
    there = await reach(server)
    await asyncio.gather(pass_on(reader, there[1]), pass_on(there[0], writer))

async def main():
    async with await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1])) as listening:
        print("listening", flush=True)
        await listening.serve_forever()

asyncio.run(main())
"""


class DockerEngine:
    """The state that the program `docker` in a folder plays."""

    def __init__(self, folder: Path, server_url: str | None = None) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / "forwarder.py").write_text(FORWARDER, encoding="utf-8")
        (folder / "docker").write_text(PROGRAM, encoding="utf-8")
        (folder / "docker").chmod(0o755)
        self.set(container=None, volumes=[], refuses={}, pids=[], server=_address(server_url) if server_url else None)

    @property
    def path(self) -> str:
        """What PATH is with it in front."""
        return f"{self.folder}{os.pathsep}{os.environ['PATH']}"

    @property
    def state(self) -> dict[str, Any]:
        return json.loads((self.folder / "state.json").read_text(encoding="utf-8"))

    def set(self, **values: object) -> None:
        """Change its state."""
        state = self.state if (self.folder / "state.json").exists() else {}
        (self.folder / "state.json").write_text(json.dumps({**state, **values}), encoding="utf-8")

    @property
    def calls(self) -> list[list[str]]:
        """What it was told, in order; not what it was only asked."""
        text = (self.folder / "calls").read_text(encoding="utf-8") if (self.folder / "calls").exists() else ""
        return [words for words in map(json.loads, text.splitlines()) if "inspect" not in words]

    def end(self) -> None:
        """Stop what it publishes."""
        for pid in self.state["pids"]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def free_port() -> int:
    """A port on which nothing listens at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


def _address(url: str) -> str | tuple[str | None, int]:
    """Where the server of a PostgreSQL URL listens: a socket's path, or host and port."""
    parts = urlsplit(url)
    folder = parse_qs(parts.query).get("host", [""])[0]
    return f"{folder}/.s.PGSQL.5432" if folder else (parts.hostname, parts.port or 5432)

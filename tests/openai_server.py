"""A server that speaks OpenAI's chat-completions protocol over real HTTP, and answers what a test tells it to.

It refuses what the protocol forbids, so that a test which passes here sends what a provider would take. It has no
streaming.
"""

from __future__ import annotations

import json
import sys
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SHUT_RDWR, socket
from types import TracebackType
from typing import Any, Self, cast

PATH = "/v1/chat/completions"
PARTS = {"text": {"system", "developer", "user", "assistant", "tool"}, "image_url": {"user"}}
USAGE = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request, as it arrived."""

    path: str
    headers: dict[str, str]
    """By names in lower case."""
    body: dict[str, Any]

    @property
    def messages(self) -> list[dict[str, Any]]:
        return self.body["messages"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the server sends back: `dataclasses.replace(answer, …)` varies it."""

    status: int = 200
    body: bytes | dict[str, Any] = b""
    """A document without a `model` gets the one that was asked for."""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict[str, str])
    after: threading.Event | None = None
    """Nothing is sent before it is set; see OpenAIServer.gate."""
    is_dropped: bool = False
    """The connection is cut, and nothing sent at all."""


def completion(message: dict[str, Any], *, usage: dict[str, Any] | None = USAGE, model: str | None = None) -> Answer:
    """A whole chat completion around *message*; without *model*, the one that was asked for answers."""
    document: dict[str, Any] = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_780_000_000,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": None, "refusal": None, "annotations": []} | message,
                "logprobs": None,
                "finish_reason": "tool_calls" if "tool_calls" in message else "stop",
            }
        ],
        "usage": usage,
        "service_tier": "default",
        "system_fingerprint": None,
    }
    return Answer(body=document if model is None else document | {"model": model})


def text(content: str, *, usage: dict[str, Any] | None = USAGE, model: str | None = None) -> Answer:
    return completion({"content": content}, usage=usage, model=model)


def tool_calls(*calls: tuple[str, str, str]) -> Answer:
    """Calls as (id, name, arguments)."""
    return completion(
        {
            "tool_calls": [
                {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
                for call_id, name, arguments in calls
            ]
        }
    )


def refused(status: int, code: str | None = None, message: str = "No.", *, is_final: bool = True) -> Answer:
    """An error in OpenAI's form. Unless it is final, a client is asked to repeat the call at once."""
    headers = {"x-should-retry": "false"} if is_final else {"retry-after-ms": "1"}
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    return Answer(status=status, body={"error": error}, headers=headers)


def dropped() -> Answer:
    return Answer(is_dropped=True)


class OpenAIServer:
    """Answers in the order of arrival, with what was queued, and then with what `otherwise` says."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.otherwise: Callable[[Request], Answer] = lambda _request: refused(500, "nothing_queued")
        self._answers: deque[Answer] = deque()
        self._gates: list[threading.Event] = []
        self._arrived = threading.Condition()
        self._http = _Http(self)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}/v1"

    @property
    def connections(self) -> int:
        """How many were ever opened."""
        return self._http.opened

    def will_answer(self, *answers: Answer) -> None:
        self._answers += answers

    def gate(self) -> threading.Event:
        """An event for Answer.after. It is set when the server is closed, so that no test hangs."""
        gate = threading.Event()
        self._gates.append(gate)
        return gate

    def wait_for_requests(self, count: int) -> None:
        """Block until so many requests have arrived; from a coroutine by asyncio.to_thread."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.requests) >= count, timeout=30)

    def wait_until_all_hung_up(self) -> None:
        """Block until no client keeps a connection open."""
        with self._http.hung_up:
            assert self._http.hung_up.wait_for(lambda: not self._http.connections, timeout=30)

    def answer_to(self, request: Request) -> Answer:
        with self._arrived:
            self.requests.append(request)
            self._arrived.notify_all()
            queued = self._answers.popleft() if self._answers else None
        if not request.headers.get("authorization", "").startswith("Bearer "):
            return refused(401, "missing_key")
        if request.path != PATH:
            return refused(404, "unknown_url")
        if complaint := _complaint(request.body):
            return refused(400, "invalid_value", complaint)
        return queued or self.otherwise(request)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for gate in self._gates:
            gate.set()
        self._http.shutdown()
        self._thread.join()
        self._http.hang_up()
        self._http.server_close()
        assert self._http.failures == []


def _complaint(body: dict[str, Any]) -> str | None:
    """What the protocol forbids in a request, or None."""
    if not isinstance(body.get("model"), str):
        return "model is missing"
    if not body.get("messages"):
        return "messages is empty"
    for index, message in enumerate(body["messages"]):
        if message.get("role") not in PARTS["text"]:
            return f"messages[{index}].role is unknown"
        if wrong := _wrong_content(message):
            return f"messages[{index}].content {wrong}"
    return None


def _wrong_content(message: dict[str, Any]) -> str | None:
    content = message.get("content")
    if content is None:
        return None if message.get("tool_calls") or message.get("refusal") else "is null"
    if isinstance(content, str):
        return None
    parts = cast("list[dict[str, Any]]", content)
    if not parts:
        return "is empty"
    wrong = next((part for part in parts if message["role"] not in PARTS.get(part["type"], ())), None)
    return f"holds a part of type {wrong['type']}" if wrong else None


def _encoded(body: bytes | dict[str, Any], request: Request) -> bytes:
    if isinstance(body, bytes):
        return body
    return json.dumps({"model": request.body.get("model")} | body if "choices" in body else body).encode()


class _Http(ThreadingHTTPServer):
    # Not daemons, so that server_close waits for them: a thread that outlives its test could warn in another one.
    daemon_threads = False

    def __init__(self, server: OpenAIServer) -> None:
        self.openai = server
        self.opened = 0
        self.failures: list[BaseException | None] = []
        self.connections: set[socket] = set()
        self.hung_up = threading.Condition()
        super().__init__(("127.0.0.1", 0), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as the standard library has it
        self.opened += 1
        self.connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 - as the standard library has it
        super().shutdown_request(request)
        with self.hung_up:
            self.connections.discard(request)
            self.hung_up.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as the standard library has it
        # Clients that give up waiting, and tests that end, cut connections.
        if not isinstance(failure := sys.exception(), OSError):
            self.failures.append(failure)

    def hang_up(self) -> None:
        for connection in list(self.connections):
            with suppress(OSError):
                connection.shutdown(SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    # The head and the body of an answer leave in one packet.
    wbufsize = -1

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(path=self.path, headers=headers, body=json.loads(body))
        answer = cast("_Http", self.server).openai.answer_to(request)
        if answer.after is not None:
            answer.after.wait()
        if answer.is_dropped:
            self.close_connection = True
            return
        sent = _encoded(answer.body, request)
        self.send_response(answer.status)
        self.send_header("content-type", answer.content_type)
        self.send_header("content-length", str(len(sent)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the standard library has it
        """Say nothing."""

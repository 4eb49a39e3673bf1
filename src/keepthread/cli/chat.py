"""`chat`: a conversation with an agent, each turn saved before the next one begins."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING

import click

from keepthread.errors import InvalidError, ModelError

from .database import Options, open_store, place_of
from .finding import find_thread
from .outcome import Code
from .render import count, is_terminal, print_json_line, say, visible
from .transcript import message_json

if TYPE_CHECKING:
    import asyncio

    from keepthread.agent import Agent
    from keepthread.model import Message, Thread
    from keepthread.store import ThreadStore

MODEL_VARIABLE = "KEEPTHREAD_MODEL"

_ECHO = "echo"
_QUIT = "/quit"
_AGENT = "assistant"
_TITLE_LENGTH = 60

_EXAMPLES = """\b
Examples:
  keepthread chat                             begin a conversation; /quit, Ctrl-D or Ctrl-C ends it
  keepthread chat @last                       go on with the newest one
  keepthread chat --model gpt-4o --purpose "Answer in one sentence."
  echo "What did I say about Lisbon?" | keepthread chat 0198a

\b
In a pipe each line is a turn, and the code is 4 if one of them failed.
--json: one line a turn: thread, user_message, messages (as in `show --json`)
"""


@click.command(epilog=_EXAMPLES)
@click.argument("thread", metavar="[ID]", required=False)
@click.option("--model", metavar="NAME", help=f"Which model answers.  [default: {MODEL_VARIABLE}, or else {_ECHO}]")
@click.option("--agent-name", metavar="NAME", help=f"Who answers.  [default: who did in this thread, or {_AGENT}]")
@click.option("--purpose", default="", metavar="TEXT", help="The agent's instructions: sent, never stored.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON Lines, one for each turn.")
@click.pass_obj
def chat(
    options: Options, *, thread: str | None, model: str | None, agent_name: str | None, purpose: str, as_json: bool
) -> None:
    """Talk with an agent, in a new thread or on in the thread ID (the beginning of it will do, or @last)."""
    import asyncio

    # One run for each turn, so that Ctrl-C while a person types interrupts the typing: inside of asyncio.run the first
    # one would only mark a task that never gets to run.
    with asyncio.Runner() as runner:
        store = runner.run(open_store(options, create=thread is None))
        try:
            talk = runner.run(_begin(store, thread, model, agent_name, purpose, as_json=as_json))
            talk.hold(runner, options)
        finally:
            runner.run(store.close())
    if talk.failures and not sys.stdin.isatty():
        raise click.exceptions.Exit(Code.FAILED)


async def _begin(
    store: ThreadStore, typed: str | None, model: str | None, name: str | None, purpose: str, *, as_json: bool
) -> Talk:
    from keepthread.agent import Agent
    from keepthread.model import Thread

    thread = Thread() if typed is None else await store.get_thread((await find_thread(store, typed)).id)
    chosen = model or _model_of_environment()
    if chosen is None:
        chosen = _ECHO
        say(f"No language model: {_ECHO!r} repeats what you say. Choose one with --model or {MODEL_VARIABLE}.")
    agent = Agent(name=name or thread.agent or _AGENT, model_name=chosen, purpose=purpose, thread_store=store)
    return Talk(thread, agent, as_json=as_json)


def _model_of_environment() -> str | None:
    from keepthread.store.environment import environment

    setting = environment().get(MODEL_VARIABLE)
    return setting.value.strip() or None if setting else None


class Talk:
    """One sitting at a thread."""

    def __init__(self, thread: Thread, agent: Agent, *, as_json: bool) -> None:
        self.failures = 0
        self._thread = thread
        self._agent = agent
        self._as_json = as_json

    def hold(self, runner: asyncio.Runner, options: Options) -> None:
        """Take turns until the person has enough, then say how to go on."""
        self._welcome()
        try:
            for line in _typed_lines():
                self._turn(runner, line)
        except KeyboardInterrupt:
            say()
        finally:
            runner.run(self._agent.close())
            self._farewell(options)

    def _turn(self, runner: asyncio.Runner, line: str) -> None:
        from keepthread.model import Message

        before = list(self._thread.messages)
        try:
            question = self._thread.add_message(Message(role="user", content=line))
            if not self._thread.version:
                self._thread.title = title_of(line)
            result = runner.run(self._agent.run(self._thread))
        except (ModelError, InvalidError) as error:
            # What was not answered is not stored, and must not be asked again with the next line.
            self._thread.messages[:] = before
            self.failures += 1
            say(f"{error} Nothing of this turn was kept.")
            return
        if self._as_json:
            print_json_line(turn_json(self._thread.id, question, result.new_messages))
        else:
            click.echo(visible(result.content))
        sys.stdout.flush()

    def _welcome(self) -> None:
        if self._thread.version:
            say(f"Going on after {count(self._thread.message_count, 'message')}. /quit ends.")
        elif sys.stdin.isatty():
            say("A new conversation. /quit ends.")

    def _farewell(self, options: Options) -> None:
        if not self._thread.version:
            say("Nothing was said, nothing was kept.")
        elif not place_of(options).is_memory:
            say(f"Go on with: {options.command('chat', self._thread.id)}")


def title_of(line: str) -> str:
    """Return what a list calls a conversation that begins with *line*: the beginning of it."""
    words = " ".join(line.split())
    return words if len(words) <= _TITLE_LENGTH else words[: _TITLE_LENGTH - 1].rstrip() + "…"


def turn_json(thread_id: str, question: Message, answers: list[Message]) -> dict[str, object]:
    """Return one turn as JSON's values."""
    return {
        "thread": thread_id,
        "user_message": message_json(question),
        "messages": [message_json(message) for message in answers],
    }


def _typed_lines() -> Iterator[str]:
    """Yield what is typed, or comes through a pipe, line by line, without empty lines and up to /quit or the end."""
    lines = _prompted() if sys.stdin.isatty() else (line.rstrip("\r\n") for line in sys.stdin)
    for line in lines:
        if line.strip() == _QUIT:
            return
        if line.strip():
            yield line


def _prompted() -> Iterator[str]:
    with suppress(ImportError):
        import_module("readline")  # gives input() line editing; Windows has its own
    while True:
        try:
            if is_terminal():
                yield input("> ")
            else:
                click.echo("> ", err=True, nl=False)  # stdout goes elsewhere, and holds answers only
                yield input()
        except EOFError:
            say()
            return

"""The guide's customer support agent, without what comes later: tools, and PostgreSQL, for which SQLite stands here."""

from pathlib import Path

import pytest

from keepthread import Message, ThreadStore
from tests.openai_server import OpenAIServer, text

from .running import run_block

SAID = [("user", "Customer cust-789 reports: Cannot login to my account"), ("assistant", "Reset your password.")]


def said(messages: list[Message]) -> list[tuple[str, str]]:
    return [(message.role, message.text) for message in messages]


async def test_a_ticket_is_answered_and_kept(tmp_path: Path, server: OpenAIServer) -> None:
    server.will_answer(text("Reset your password."))
    support_agent = (await run_block("customer_support_agent"))["SupportAgent"]

    names = await run_block("customer_support_usage", SupportAgent=support_agent)

    assert names["response"] == "Reset your password."
    assert said(await names["agent"].get_ticket_history("12345")) == SAID
    async with ThreadStore(tmp_path / "support.db") as restarted:
        thread = await restarted.get_thread("ticket-12345")
    assert said(thread.messages) == SAID
    assert thread.metadata["customer_id"] == "cust-789"


async def test_as_written_the_answer_is_stored_and_then_lost_to_an_undefined_name(
    tmp_path: Path, server: OpenAIServer
) -> None:
    server.will_answer(text("Reset your password."))
    agent = (await run_block("customer_support_agent", as_written=True))["SupportAgent"]()
    await agent.initialize()

    with pytest.raises(NameError, match="'messages' is not defined"):
        await agent.handle_ticket("12345", "cust-789", "Cannot login to my account")

    async with ThreadStore(tmp_path / "support.db") as restarted:
        assert said((await restarted.get_thread("ticket-12345")).messages) == SAID

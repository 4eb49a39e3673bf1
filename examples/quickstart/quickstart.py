"""Talk, stop or kill the program, run it again: the conversation goes on.

KEEPTHREAD_MODEL names the model; without it, `echo` answers, which is no model and says so.
"""

import asyncio
import os

from keepthread import Agent, Message, Thread, ThreadNotFound, ThreadStore


async def main() -> None:
    """Add one message a run."""
    async with ThreadStore("sqlite:///conversations.db") as store:
        model = os.environ.get("KEEPTHREAD_MODEL", "echo")
        agent = Agent(name="assistant", model_name=model, purpose="To be helpful", thread_store=store)
        try:
            thread = await store.get_thread("user-123-main")
            print(f"Welcome back! We have {len(thread.messages)} messages so far.")
        except ThreadNotFound:
            thread = Thread(id="user-123-main")
            print("Nice to meet you!")
        thread.add_message(Message(role="user", content=input("You: ")))
        result = await agent.run(thread)
        print(f"{agent.name}: {result.content}")


if __name__ == "__main__":
    asyncio.run(main())

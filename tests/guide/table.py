"""Narrator's conversation guide as data: its Python blocks, what each needs, and what of it is not run as written.

The blocks stand in `blocks/`, one file each, as the guide has them. What every one of them gets changed is its import
line, from `tyler` to `keepthread`. `docs/narrator.md` tells the same story to people who come from there.
"""

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "blocks"
SUFFIX = ".py.txt"

IMPORT_LINE = ("from tyler import", "from keepthread import")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Lines of the guide that cannot do what they say."""

    says: str
    runs_as: str | None
    """What is run in their place, "" for nothing; None where they are run, to see them refused."""
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One Python block of the guide."""

    name: str
    """Of its file, without the suffix."""
    section: str
    """The guide's heading above it."""
    tests: tuple[str, ...]
    """Who runs it, as `module::test`."""
    supplies: tuple[str, ...] = ()
    """Names that the block uses and the guide leaves to its reader. The names that the quick start imports are none."""
    corrected: tuple[Change, ...] = ()
    """Lines that no system could run."""
    later: tuple[Change, ...] = ()
    """Lines that need what keepthread does not have yet."""

    @property
    def code(self) -> str:
        """The block, as in the guide."""
        return (FOLDER / f"{self.name}{SUFFIX}").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One line that the guide has for a shell."""

    says: str
    runs_as: str | None = None
    tests: tuple[str, ...] = ()
    why: str = ""
    """Why it is not run."""


POSTGRESQL = "What docker-setup starts is not there in the tests: PostgreSQL has tests of its own."
TOOLS = "An Agent has no tools yet, and lye is a package of Narrator's authors."

GUIDE = (
    Block(
        name="quick_start",
        section="Quick Start with Persistence",
        tests=(
            "test_quick_start::test_the_first_run_greets_and_the_second_one_remembers",
            "test_quick_start::test_with_a_real_client_the_model_is_sent_what_was_said_in_the_run_before",
        ),
    ),
    Block(
        name="storage_sqlite",
        section="SQLite (Development)",
        tests=("test_threads::test_the_sqlite_url_of_the_guide_is_a_file_beside_the_program",),
    ),
    Block(
        name="storage_postgresql",
        section="PostgreSQL (Production)",
        tests=("test_threads::test_a_postgresql_url_reaches_for_the_server_and_masks_the_password",),
        later=(Change(says='"postgresql+asyncpg://user:pass@localhost/dbname"', runs_as=None, why=POSTGRESQL),),
    ),
    Block(
        name="storage_in_memory",
        section="In-Memory (Testing)",
        tests=("test_threads::test_no_url_is_a_store_in_memory",),
    ),
    Block(
        name="creating_threads",
        section="Creating Threads",
        tests=("test_threads::test_a_thread_comes_back_with_its_metadata",),
    ),
    Block(
        name="saving_and_loading_threads",
        section="Saving and Loading Threads",
        tests=(
            "test_threads::test_what_was_saved_is_loaded_and_listed",
            "test_threads::test_what_was_deleted_is_gone",
        ),
        supplies=("thread", "thread_store"),
    ),
    Block(
        name="message_history",
        section="Message History",
        tests=("test_patterns::test_the_agent_sees_all_previous_messages",),
        supplies=("agent", "thread"),
    ),
    Block(
        name="pattern_1_user_threads",
        section="Pattern 1: User-Specific Threads",
        tests=("test_patterns::test_a_user_gets_their_thread_again",),
        supplies=("thread_store",),
    ),
    Block(
        name="pattern_2_topic_threads",
        section="Pattern 2: Topic-Based Threads",
        tests=("test_patterns::test_a_topic_is_kept_and_the_model_is_told_it",),
    ),
    Block(
        name="pattern_3_sessions",
        section="Pattern 3: Session Management",
        tests=(
            "test_patterns::test_a_session_is_resumed_where_it_ended",
            "test_patterns::test_the_save_after_a_run_writes_nothing",
        ),
    ),
    Block(
        name="file_attachments",
        section="File Attachments",
        tests=(
            "test_attachments::test_the_image_reaches_the_model",
            "test_attachments::test_the_file_is_saved_in_the_file_store",
            "test_attachments::test_the_file_is_there_after_a_reload",
        ),
        supplies=("thread",),
    ),
    Block(
        name="conversation_summarization",
        section="Conversation Summarization",
        tests=(
            "test_long_threads::test_a_summary_and_the_last_fifty_are_what_is_reloaded",
            "test_long_threads::test_the_summarizer_is_sent_what_it_replaces",
            "test_long_threads::test_the_model_is_sent_the_summary",
        ),
    ),
    Block(
        name="context_injection",
        section="Context Injection",
        tests=("test_long_threads::test_injected_context_reaches_the_model_and_is_stored_first",),
        supplies=("json", "load_user_preferences"),
    ),
    Block(
        name="thread_naming_conventions",
        section="1. Thread Naming Conventions",
        tests=("test_threads::test_every_name_of_the_guide_is_an_id",),
    ),
    Block(
        name="metadata_usage",
        section="2. Metadata Usage",
        tests=("test_threads::test_threads_are_found_by_the_metadata_of_the_guide",),
        supplies=("datetime",),
    ),
    Block(
        name="cleanup_strategies",
        section="3. Cleanup Strategies",
        tests=("test_threads::test_cleanup_removes_what_nobody_touched_for_thirty_days",),
        supplies=("datetime", "timedelta"),
    ),
    Block(
        name="customer_support_agent",
        section="Real-World Example: Customer Support Agent",
        tests=(
            "test_support_agent::test_a_ticket_is_answered_and_kept",
            "test_support_agent::test_as_written_the_answer_is_stored_and_then_lost_to_an_undefined_name",
        ),
        corrected=(
            Change(
                says='return messages[-1].content if messages else "No response"',
                runs_as='return result.new_messages[-1].content if result.new_messages else "No response"',
                why="`messages` is defined nowhere: NameError.",
            ),
        ),
        later=(
            Change(says="from lye import WEB_TOOLS\n", runs_as="", why=TOOLS),
            Change(says="            tools=[*WEB_TOOLS],\n", runs_as="", why=TOOLS),
            Change(
                says='"postgresql+asyncpg://narrator:narrator_dev@localhost:5432/narrator"\n        )\n\n        # Or',
                runs_as='"sqlite:///support.db"\n        )\n\n        # Or',
                why=POSTGRESQL,
            ),
        ),
    ),
    Block(
        name="customer_support_usage",
        section="Real-World Example: Customer Support Agent",
        tests=("test_support_agent::test_a_ticket_is_answered_and_kept",),
        supplies=("SupportAgent",),
    ),
    Block(
        name="message_limits",
        section="1. Message Limits",
        tests=("test_long_threads::test_the_cap_keeps_the_last_hundred_and_the_history_all",),
        supplies=("thread",),
    ),
    Block(
        name="batch_operations",
        section="2. Batch Operations",
        tests=("test_threads::test_threads_saved_at_once_are_all_there",),
        supplies=("thread1", "thread2", "thread3", "thread_store"),
    ),
    Block(
        name="caching",
        section="3. Caching",
        tests=(
            "test_threads::test_a_cached_thread_can_be_asked_for_twice_and_is_never_stale",
            "test_threads::test_as_written_the_cache_answers_once",
        ),
        supplies=("thread_store",),
        corrected=(
            Change(
                says="from functools import lru_cache\n\n@lru_cache(maxsize=100)\n",
                runs_as="cache = thread_store.cached(max_threads=100)\n\n",
                why="lru_cache keeps the coroutine, which can be awaited once: RuntimeError from the second call on.",
            ),
            Change(
                says="return await thread_store.get_thread(thread_id)",
                runs_as="return await cache.get_thread(thread_id)",
                why="As above.",
            ),
        ),
    ),
)

POOL = "SQLite has no pool; PostgreSQL has tests of its own."
COMMANDS_TEST = "test_commands::test_the_commands_of_the_guide_find_the_database_by_its_variable"
DOCKER_TEST = "test_commands::test_the_docker_commands_of_the_guide_keep_what_was_said_until_it_is_to_be_removed"

COMMANDS = (
    Command(says="uv run narrator docker-setup", runs_as="keepthread docker-setup", tests=(DOCKER_TEST,)),
    Command(says="uv run narrator docker-stop", runs_as="keepthread docker-stop", tests=(DOCKER_TEST,)),
    Command(
        says="uv run narrator docker-stop --remove-volumes",
        runs_as="keepthread docker-stop --remove-volumes --yes",  # nobody is there to be asked
        tests=(DOCKER_TEST,),
    ),
    Command(says="uv run narrator docker-start", runs_as="keepthread docker-start", tests=(DOCKER_TEST,)),
    Command(says="export NARRATOR_DATABASE_URL=", tests=(COMMANDS_TEST,)),
    Command(says="uv run narrator init", runs_as="keepthread init", tests=(COMMANDS_TEST,)),
    Command(says="uv run narrator status", runs_as="keepthread status", tests=(COMMANDS_TEST,)),
    Command(says="export NARRATOR_DB_POOL_SIZE=", why=POOL),
    Command(says="export NARRATOR_DB_MAX_OVERFLOW=", why=POOL),
    Command(says="export NARRATOR_DB_POOL_TIMEOUT=", why=POOL),
    Command(says="export NARRATOR_DB_POOL_RECYCLE=", why=POOL),
)

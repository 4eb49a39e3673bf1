"""Every error that keepthread raises, as one tree.

KeepthreadError
├── NotFoundError (LookupError)
│   ├── ThreadNotFound (KeyError)
│   ├── MessageNotFound (KeyError)
│   └── FileContentNotFound
├── InvalidError (ValueError)
│   ├── InvalidMessage
│   ├── InvalidThread
│   ├── InvalidAttachment
│   ├── InvalidState
│   ├── InvalidSetting
│   └── TooLargeError
├── ConflictError
├── BusyError (TimeoutError)                    retryable
├── UnavailableError (ConnectionError)          retryable
├── FullError                                   retryable
├── CorruptError
├── SchemaError
│   ├── SchemaTooNewError
│   └── ForeignDatabaseError
├── StoreClosedError
├── MessagesNotLoaded
├── MissingExtraError (ImportError)
└── ModelError
    ├── ModelSetupError
    └── ModelFailedError                        retryable

`str(error)` is one or two sentences for a person and never holds the content of a message or a password; the attributes
are for programs. `retryable` says whether the same call may succeed later; `hint` is the remedy, where one is known.
"""

from __future__ import annotations


class KeepthreadError(Exception):
    """The root of the tree. `message` says what happened, `hint` what to do about it."""

    retryable: bool = False
    hint: str = ""

    def __init__(self, message: str, *, hint: str = "") -> None:
        # What pickle makes it anew from; the builtins of the operating system's errors forget it.
        self.args = self.args or (message,)
        self.message = message
        if hint:
            self.hint = hint

    # KeyError prints the repr of its argument; a person should read a sentence.
    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class NotFoundError(KeepthreadError, LookupError):
    """What was asked for does not exist, or belongs to another tenant: the two are never told apart."""


class ThreadNotFound(NotFoundError, KeyError):
    """No thread has this id. Nothing was written."""

    def __init__(self, thread_id: str, *, hint: str = "") -> None:
        super().__init__(f"There is no thread with id {thread_id!r}.", hint=hint)
        self.thread_id = thread_id


class MessageNotFound(NotFoundError, KeyError):
    """The thread holds no message with this id. Nothing was written."""

    def __init__(self, thread_id: str, message_id: str, *, hint: str = "") -> None:
        super().__init__(f"Thread {thread_id!r} holds no message with id {message_id!r}.", hint=hint)
        self.thread_id = thread_id
        self.message_id = message_id


class FileContentNotFound(NotFoundError):
    """An attachment is known, and its bytes are not where they should be."""


class InvalidError(KeepthreadError, ValueError):
    """The input cannot be stored. Nothing was written."""


class InvalidMessage(InvalidError):
    """A message, or a part of one, cannot be stored on every backend."""


class InvalidThread(InvalidError):
    """A thread's id, title, metadata or list of messages cannot be stored."""


class InvalidAttachment(InvalidError):
    """An attachment is of a kind that is not accepted, or has neither content nor a hash."""


class InvalidState(InvalidError):
    """A session state's name, value or version is none that can be stored."""


class InvalidSetting(InvalidError):
    """A URL, an option or an environment variable cannot be understood."""


class TooLargeError(InvalidError):
    """The input is over a limit. `limit` and `size` are in the unit that the message names."""

    def __init__(self, message: str, *, limit: int = 0, size: int = 0, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.limit = limit
        self.size = size


class ConflictError(KeepthreadError):
    """Somebody else changed the same thing meanwhile, or a message id stands for other content. Nothing was written."""


class BusyError(KeepthreadError, TimeoutError):
    """Another writer held the database for longer than the timeout. Nothing was written."""

    retryable = True


class UnavailableError(KeepthreadError, ConnectionError):
    """The database or file store cannot be reached. Whether a write happened is unknown; repeating it is safe."""

    retryable = True


class FullError(KeepthreadError):
    """The disk, or the limit of a file store, is full. Nothing was written; it works again once there is room."""

    retryable = True


class CorruptError(KeepthreadError):
    """Stored bytes are not what was written."""


class SchemaError(KeepthreadError):
    """The database's tables do not fit this version of keepthread. It was not touched."""


class SchemaTooNewError(SchemaError):
    """A newer keepthread prepared this database. It was not touched."""


class ForeignDatabaseError(SchemaError):
    """The file is no keepthread database. It was not touched."""


class StoreClosedError(KeepthreadError):
    """The store was closed, or belongs to the process that this one was forked from."""


class MessagesNotLoaded(KeepthreadError):
    """This thread is a header from a list: it came without its messages."""

    def __init__(self, thread_id: str) -> None:
        super().__init__(
            f"Thread {thread_id!r} was listed without its messages.", hint="Load it with store.get_thread(id)."
        )
        self.thread_id = thread_id


class MissingExtraError(KeepthreadError, ImportError):
    """An optional dependency is not installed."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(
            f"{what} needs an optional dependency.", hint=f'Install it with: pip install "keepthread[{extra}]"'
        )
        self.extra = extra


class ModelError(KeepthreadError):
    """A language model could not be used. The turn was rolled back."""


class ModelSetupError(ModelError):
    """The model's name, key or address is missing or wrong."""


class ModelFailedError(ModelError):
    """The model was called and failed. The turn was rolled back: running it again repeats nothing."""

    retryable = True

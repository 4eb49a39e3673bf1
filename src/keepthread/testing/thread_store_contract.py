"""The whole contract of a ThreadStore, put together from its promises."""

from __future__ import annotations

from .append_contract import AppendContract
from .attachment_contract import AttachmentContract
from .attempt_contract import AttemptContract
from .calls_contract import CallsContract
from .conversation_contract import ConversationContract
from .faithful_contract import FaithfulContract
from .history_contract import HistoryContract
from .identity_contract import IdentityContract
from .list_contract import ListContract
from .merge_contract import MergeContract
from .narrator_contract import NarratorContract
from .owner_contract import OwnerContract
from .read_contract import ReadContract
from .refusal_contract import LimitContract, RefusalContract
from .save_contract import SaveContract
from .sharing_contract import SharingContract
from .state_contract import StateContract
from .summarizer_contract import SummarizerContract
from .summary_contract import SummaryContract
from .tenant_contract import TenantContract
from .turn_contract import TurnContract
from .values_contract import ValuesContract
from .window_contract import WindowContract


class ThreadStoreContract(
    AppendContract,
    SaveContract,
    OwnerContract,
    MergeContract,
    ValuesContract,
    WindowContract,
    ReadContract,
    ListContract,
    HistoryContract,
    TenantContract,
    TurnContract,
    AttemptContract,
    StateContract,
    ConversationContract,
    CallsContract,
    IdentityContract,
    SummaryContract,
    SummarizerContract,
    FaithfulContract,
    RefusalContract,
    LimitContract,
    AttachmentContract,
    SharingContract,
    NarratorContract,
):
    """Inherit from it and define two fixtures; every test must then pass as it is.

    `store` is a fresh, empty ThreadStore, open. `open_store` is an async callable that opens a further ThreadStore on
    the database of `store`; where no second one can reach it, as in memory, let the fixture skip.
    """

-- Whose conversation a thread is, and the summaries of what its readers need not see any more.
-- reader: 1
-- writer: 4

-- The thread's id is a digest of the columns behind it. NULL is a value of its own: the conversation of nobody in particular, or
-- the one that there is if no session is named.
CREATE TABLE kt_conversations (
    tenant_id TEXT NOT NULL,
    thread_id TEXT NOT NULL,
    store_name TEXT NOT NULL,
    agent TEXT NOT NULL,
    agent_version TEXT,
    principal TEXT,
    session TEXT,
    PRIMARY KEY (tenant_id, thread_id)
) WITHOUT ROWID;

-- What stands for the messages behind `behind` through `through`; those through `behind` are the leading ones, always seen. A
-- writer that changes a message through `through` drops the row. `digest` is a chain of the digests of what it stands for.
CREATE TABLE kt_summaries (
    tenant_id TEXT NOT NULL,
    thread_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    behind INTEGER NOT NULL,
    through INTEGER NOT NULL,
    digest BLOB NOT NULL,
    summary TEXT NOT NULL,
    PRIMARY KEY (tenant_id, thread_id, kind)
) WITHOUT ROWID;

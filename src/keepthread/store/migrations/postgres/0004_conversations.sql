-- Whose conversation a thread is, and the summaries of what its readers need not see any more.
-- reader: 1
-- writer: 4

-- The thread's id is a digest of the columns behind it. NULL is a value of its own: the conversation of nobody in particular, or
-- the one that there is if no session is named.
CREATE TABLE kt_conversations (
    tenant_id TEXT COLLATE "C" NOT NULL,
    thread_id TEXT COLLATE "C" NOT NULL,
    store_name TEXT COLLATE "C" NOT NULL,
    agent TEXT COLLATE "C" NOT NULL,
    agent_version TEXT COLLATE "C",
    principal TEXT COLLATE "C",
    session TEXT COLLATE "C",
    PRIMARY KEY (tenant_id, thread_id)
);

-- What stands for the messages behind `behind` through `through`; those through `behind` are the leading ones, always seen. A
-- writer that changes a message through `through` drops the row. `digest` is a chain of the digests of what it stands for.
CREATE TABLE kt_summaries (
    tenant_id TEXT COLLATE "C" NOT NULL,
    thread_id TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    behind BIGINT NOT NULL,
    through BIGINT NOT NULL,
    digest BYTEA NOT NULL,
    summary TEXT NOT NULL,
    PRIMARY KEY (tenant_id, thread_id, kind)
);

-- Turns that are not committed yet, and what idempotency keys stand for.
-- reader: 1
-- writer: 2

-- `state` is "open" while somebody works on it, "suspended" when its work failed and may go on, and "committed" where a key is
-- remembered with its result. Whoever holds an open turn renews its lease; after that anybody may take it over.
CREATE TABLE kt_turns (
    tenant_id TEXT NOT NULL,
    thread_id TEXT NOT NULL,
    id TEXT NOT NULL,
    turn_key TEXT,
    state TEXT NOT NULL,
    holder TEXT NOT NULL,
    lease_until INTEGER NOT NULL,
    next_frame INTEGER NOT NULL,
    result TEXT,
    opened_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, thread_id, id)
) WITHOUT ROWID;

CREATE UNIQUE INDEX kt_turns_key ON kt_turns (tenant_id, thread_id, turn_key);

-- The messages of turns that are not committed yet. They get their positions, and become messages, at the commit.
CREATE TABLE kt_frames (
    tenant_id TEXT NOT NULL,
    thread_id TEXT NOT NULL,
    turn_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    id TEXT NOT NULL,
    role TEXT NOT NULL,
    content TEXT,
    extra TEXT NOT NULL,
    digest BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, thread_id, turn_id, number)
) WITHOUT ROWID;

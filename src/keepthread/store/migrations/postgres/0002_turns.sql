-- Turns that are not committed yet, and what idempotency keys stand for.
-- reader: 1
-- writer: 2

-- `state` is "open" while somebody works on it, "suspended" when its work failed and may go on, and "committed" where a key is
-- remembered with its result. Whoever holds an open turn renews its lease; after that anybody may take it over.
CREATE TABLE kt_turns (
    tenant_id TEXT COLLATE "C" NOT NULL,
    thread_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    turn_key TEXT COLLATE "C",
    state TEXT NOT NULL,
    holder TEXT NOT NULL,
    lease_until BIGINT NOT NULL,
    next_frame BIGINT NOT NULL,
    result TEXT,
    opened_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, thread_id, id)
);

CREATE UNIQUE INDEX kt_turns_key ON kt_turns (tenant_id, thread_id, turn_key);

-- The messages of turns that are not committed yet. They get their positions, and become messages, at the commit.
CREATE TABLE kt_frames (
    tenant_id TEXT COLLATE "C" NOT NULL,
    thread_id TEXT COLLATE "C" NOT NULL,
    turn_id TEXT COLLATE "C" NOT NULL,
    number BIGINT NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    role TEXT NOT NULL,
    content TEXT,
    extra TEXT NOT NULL,
    digest BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, thread_id, turn_id, number)
);

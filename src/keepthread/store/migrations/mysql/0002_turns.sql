-- Turns that are not committed yet, and what idempotency keys stand for.
-- reader: 1
-- writer: 2

-- `state` is "open" while somebody works on it, "suspended" when its work failed and may go on, and "committed" where a key is
-- remembered with its result. Whoever holds an open turn renews its lease; after that anybody may take it over.
CREATE TABLE IF NOT EXISTS kt_turns (
    tenant_id VARBINARY(255) NOT NULL,
    thread_id VARBINARY(255) NOT NULL,
    id VARBINARY(255) NOT NULL,
    turn_key VARBINARY(255),
    state VARCHAR(255) NOT NULL,
    holder VARBINARY(255) NOT NULL,
    lease_until BIGINT NOT NULL,
    next_frame BIGINT NOT NULL,
    result LONGTEXT,
    opened_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, thread_id, id),
    UNIQUE KEY kt_turns_key (tenant_id, thread_id, turn_key)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The messages of turns that are not committed yet. They get their positions, and become messages, at the commit.
CREATE TABLE IF NOT EXISTS kt_frames (
    tenant_id VARBINARY(255) NOT NULL,
    thread_id VARBINARY(255) NOT NULL,
    turn_id VARBINARY(255) NOT NULL,
    number BIGINT NOT NULL,
    id VARBINARY(255) NOT NULL,
    role VARCHAR(255) NOT NULL,
    content LONGTEXT,
    extra LONGTEXT NOT NULL,
    digest TINYBLOB NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, thread_id, turn_id, number)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

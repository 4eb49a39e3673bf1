-- Whose conversation a thread is, and the summaries of what its readers need not see any more.
-- reader: 1
-- writer: 4

-- The thread's id is a digest of the columns behind it. NULL is a value of its own: the conversation of nobody in particular, or
-- the one that there is if no session is named.
CREATE TABLE IF NOT EXISTS kt_conversations (
    tenant_id VARBINARY(255) NOT NULL,
    thread_id VARBINARY(255) NOT NULL,
    store_name VARBINARY(255) NOT NULL,
    agent VARBINARY(255) NOT NULL,
    agent_version VARBINARY(255),
    principal VARBINARY(255),
    session VARBINARY(255),
    PRIMARY KEY (tenant_id, thread_id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What stands for the messages behind `behind` through `through`; those through `behind` are the leading ones, always seen. A
-- writer that changes a message through `through` drops the row. `digest` is a chain of the digests of what it stands for.
CREATE TABLE IF NOT EXISTS kt_summaries (
    tenant_id VARBINARY(255) NOT NULL,
    thread_id VARBINARY(255) NOT NULL,
    kind VARBINARY(255) NOT NULL,
    behind BIGINT NOT NULL,
    through BIGINT NOT NULL,
    digest TINYBLOB NOT NULL,
    summary LONGTEXT NOT NULL,
    PRIMARY KEY (tenant_id, thread_id, kind)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

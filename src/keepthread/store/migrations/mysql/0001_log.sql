-- The log: threads, their messages in order, every earlier version of them, and what finds them.
-- Everything that is compared is VARBINARY, byte by byte: every collation here takes 'Acme ' for 'Acme'.
-- Each statement commits by itself, and so each may be run again.
-- reader: 1
-- writer: 1

-- Facts about the database itself. Small and the same for every tenant.
CREATE TABLE IF NOT EXISTS kt_meta (
    name VARBINARY(255) NOT NULL PRIMARY KEY,
    value LONGTEXT NOT NULL
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The moment of its birth stands in the index for the lists that walk it: they need no row of a thread that they pass.
CREATE TABLE IF NOT EXISTS kt_threads (
    tenant_id VARBINARY(255) NOT NULL,
    id VARBINARY(255) NOT NULL,
    title LONGTEXT,
    metadata LONGTEXT NOT NULL,
    agent LONGTEXT,
    archived SMALLINT NOT NULL,
    next_position BIGINT NOT NULL,
    version BIGINT NOT NULL,
    message_count BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    KEY kt_threads_newest (tenant_id, archived, updated_at, id, created_at)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- `removed` is 0 in the view, else the version of the thread that took the message out. It stands in the key, so that the
-- view and its tail are one range of the table whatever was removed. A digest is a TINYBLOB, and no BINARY: by the type of
-- a column the driver tells bytes from text that is compared. The id before the thread: new ids rise, so that the turns of
-- many threads fall on one page of that index.
CREATE TABLE IF NOT EXISTS kt_messages (
    tenant_id VARBINARY(255) NOT NULL,
    thread_id VARBINARY(255) NOT NULL,
    removed BIGINT NOT NULL,
    position BIGINT NOT NULL,
    id VARBINARY(255) NOT NULL,
    turn_id VARBINARY(255) NOT NULL,
    role VARCHAR(255) NOT NULL,
    content LONGTEXT,
    extra LONGTEXT NOT NULL,
    digest TINYBLOB NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, thread_id, removed, position),
    UNIQUE KEY kt_messages_id (tenant_id, id, thread_id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What a message said before each edit; revision 0 is what was first stored.
CREATE TABLE IF NOT EXISTS kt_revisions (
    tenant_id VARBINARY(255) NOT NULL,
    thread_id VARBINARY(255) NOT NULL,
    message_id VARBINARY(255) NOT NULL,
    revision BIGINT NOT NULL,
    role VARCHAR(255) NOT NULL,
    content LONGTEXT,
    extra LONGTEXT NOT NULL,
    digest TINYBLOB NOT NULL,
    replaced_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, thread_id, message_id, revision)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- One row for each top-level value of a thread's metadata, and one for its agent.
CREATE TABLE IF NOT EXISTS kt_thread_tags (
    tenant_id VARBINARY(255) NOT NULL,
    tag VARBINARY(64) NOT NULL,
    thread_id VARBINARY(255) NOT NULL,
    PRIMARY KEY (tenant_id, tag, thread_id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Which messages refer to which bytes. When the last reference goes, so do the bytes.
CREATE TABLE IF NOT EXISTS kt_files (
    tenant_id VARBINARY(255) NOT NULL,
    sha256 VARBINARY(64) NOT NULL,
    thread_id VARBINARY(255) NOT NULL,
    message_id VARBINARY(255) NOT NULL,
    PRIMARY KEY (tenant_id, sha256, thread_id, message_id),
    KEY kt_files_thread (tenant_id, thread_id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- How a copy from another database left a thread. While the thread's version is still this one, nobody has changed it since,
-- and the next copy may bring it up to date. `is_whole` is 0 between the pieces of a long thread, and where a file is missing.
CREATE TABLE IF NOT EXISTS kt_copies (
    tenant_id VARBINARY(255) NOT NULL,
    thread_id VARBINARY(255) NOT NULL,
    source_id VARBINARY(255) NOT NULL,
    version BIGINT NOT NULL,
    is_whole SMALLINT NOT NULL,
    PRIMARY KEY (tenant_id, thread_id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The log: threads, their messages in order, every earlier version of them, and what finds them.
-- Everything that is compared is compared byte by byte: COLLATE "C".
-- reader: 1
-- writer: 1

-- Facts about the database itself. Small and the same for every tenant.
CREATE TABLE kt_meta (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE kt_threads (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    title TEXT,
    metadata TEXT NOT NULL,
    agent TEXT COLLATE "C",
    archived SMALLINT NOT NULL,
    next_position BIGINT NOT NULL,
    version BIGINT NOT NULL,
    message_count BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

CREATE INDEX kt_threads_newest ON kt_threads (tenant_id, archived, updated_at, id);

-- `removed` is 0 in the view, else the version of the thread that took the message out. It stands in the key, so that the
-- view and its tail are one range of the index whatever was removed.
CREATE TABLE kt_messages (
    tenant_id TEXT COLLATE "C" NOT NULL,
    thread_id TEXT COLLATE "C" NOT NULL,
    removed BIGINT NOT NULL,
    position BIGINT NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    turn_id TEXT COLLATE "C" NOT NULL,
    role TEXT NOT NULL,
    content TEXT,
    extra TEXT NOT NULL,
    digest BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, thread_id, removed, position)
);

-- The id before the thread: new ids rise, so that the turns of many threads fall on one page of this index.
CREATE UNIQUE INDEX kt_messages_id ON kt_messages (tenant_id, id, thread_id);

-- What a message said before each edit; revision 0 is what was first stored.
CREATE TABLE kt_revisions (
    tenant_id TEXT COLLATE "C" NOT NULL,
    thread_id TEXT COLLATE "C" NOT NULL,
    message_id TEXT COLLATE "C" NOT NULL,
    revision BIGINT NOT NULL,
    role TEXT NOT NULL,
    content TEXT,
    extra TEXT NOT NULL,
    digest BYTEA NOT NULL,
    replaced_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, thread_id, message_id, revision)
);

-- One row for each top-level value of a thread's metadata, and one for its agent.
CREATE TABLE kt_thread_tags (
    tenant_id TEXT COLLATE "C" NOT NULL,
    tag BYTEA NOT NULL,
    thread_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, tag, thread_id)
);

-- Which messages refer to which bytes. When the last reference goes, so do the bytes.
CREATE TABLE kt_files (
    tenant_id TEXT COLLATE "C" NOT NULL,
    sha256 TEXT COLLATE "C" NOT NULL,
    thread_id TEXT COLLATE "C" NOT NULL,
    message_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, sha256, thread_id, message_id)
);

CREATE INDEX kt_files_thread ON kt_files (tenant_id, thread_id);

-- How a copy from another database left a thread. While the thread's version is still this one, nobody has changed it since,
-- and the next copy may bring it up to date. `is_whole` is 0 between the pieces of a long thread, and where a file is missing.
CREATE TABLE kt_copies (
    tenant_id TEXT COLLATE "C" NOT NULL,
    thread_id TEXT COLLATE "C" NOT NULL,
    source_id TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    is_whole SMALLINT NOT NULL,
    PRIMARY KEY (tenant_id, thread_id)
);

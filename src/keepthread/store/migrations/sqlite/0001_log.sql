-- The log: threads, their messages in order, every earlier version of them, and what finds them.
-- reader: 1
-- writer: 1

-- Facts about the database itself. Small and the same for every tenant.
CREATE TABLE kt_meta (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE kt_threads (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    title TEXT,
    metadata TEXT NOT NULL,
    agent TEXT,
    archived INTEGER NOT NULL,
    next_position INTEGER NOT NULL,
    version INTEGER NOT NULL,
    message_count INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, id)
) WITHOUT ROWID;

CREATE INDEX kt_threads_newest ON kt_threads (tenant_id, archived, updated_at, id);

-- `removed` is 0 in the view, else the version of the thread that took the message out. It stands in the key, so that the
-- view and its tail are one range of the table whatever was removed. Not WITHOUT ROWID: turns of many threads are then written
-- side by side on one page, where a table in key order would split a page of each thread (2.4 pages a turn against 6.3).
CREATE TABLE kt_messages (
    tenant_id TEXT NOT NULL,
    thread_id TEXT NOT NULL,
    removed INTEGER NOT NULL,
    position INTEGER NOT NULL,
    id TEXT NOT NULL,
    turn_id TEXT NOT NULL,
    role TEXT NOT NULL,
    content TEXT,
    extra TEXT NOT NULL,
    digest BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, thread_id, removed, position)
);

-- The id before the thread: new ids rise, so that the turns of many threads fall on one page of this index as well.
CREATE UNIQUE INDEX kt_messages_id ON kt_messages (tenant_id, id, thread_id);

-- What a message said before each edit; revision 0 is what was first stored.
CREATE TABLE kt_revisions (
    tenant_id TEXT NOT NULL,
    thread_id TEXT NOT NULL,
    message_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    role TEXT NOT NULL,
    content TEXT,
    extra TEXT NOT NULL,
    digest BLOB NOT NULL,
    replaced_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, thread_id, message_id, revision)
) WITHOUT ROWID;

-- One row for each top-level value of a thread's metadata, and one for its agent.
CREATE TABLE kt_thread_tags (
    tenant_id TEXT NOT NULL,
    tag BLOB NOT NULL,
    thread_id TEXT NOT NULL,
    PRIMARY KEY (tenant_id, tag, thread_id)
) WITHOUT ROWID;

-- Which messages refer to which bytes. When the last reference goes, so do the bytes.
CREATE TABLE kt_files (
    tenant_id TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    thread_id TEXT NOT NULL,
    message_id TEXT NOT NULL,
    PRIMARY KEY (tenant_id, sha256, thread_id, message_id)
) WITHOUT ROWID;

CREATE INDEX kt_files_thread ON kt_files (tenant_id, thread_id);

-- How a copy from another database left a thread. While the thread's version is still this one, nobody has changed it since,
-- and the next copy may bring it up to date. `is_whole` is 0 between the pieces of a long thread, and where a file is missing.
CREATE TABLE kt_copies (
    tenant_id TEXT NOT NULL,
    thread_id TEXT NOT NULL,
    source_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    is_whole INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, thread_id)
) WITHOUT ROWID;

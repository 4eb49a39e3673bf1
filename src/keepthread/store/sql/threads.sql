-- name: thread
-- One thread's row.
SELECT id, title, metadata, agent, archived, next_position, version, message_count, created_at, updated_at
FROM kt_threads
WHERE tenant_id = :tenant AND id = :thread;

-- name: lock_thread
-- The same for a change that depends on it: nobody else changes the thread before this transaction ends. SQLite's write
-- transactions hold that lock already; other engines say so in a statement of their own.
SELECT id, title, metadata, agent, archived, next_position, version, message_count, created_at, updated_at
FROM kt_threads
WHERE tenant_id = :tenant AND id = :thread;

-- name: insert_thread
-- A new thread without messages.
INSERT INTO kt_threads (
    tenant_id, id, title, metadata, agent, archived, next_position, version, message_count, created_at, updated_at
)
VALUES (:tenant, :thread, :title, :metadata, :agent, :archived, 0, 0, 0, :created_at, :updated_at);

-- name: take_positions
-- The hot path's lock: the row gives the positions of what is appended, and its version. A thread that was deleted since it
-- was loaded, or deleted and made anew, matches no row.
UPDATE kt_threads
SET next_position = next_position + :taken,
    version = version + 1,
    message_count = message_count + :count,
    updated_at = CASE WHEN updated_at < :at THEN :at ELSE updated_at END
WHERE tenant_id = :tenant AND id = :thread AND created_at = COALESCE(:born, created_at)
RETURNING next_position, version;

-- name: change_thread
-- Everything of a thread's row that a save or an update can change.
UPDATE kt_threads
SET title = :title,
    metadata = :metadata,
    agent = :agent,
    archived = :archived,
    next_position = :next_position,
    version = :version,
    message_count = :message_count,
    updated_at = CASE WHEN updated_at < :at THEN :at ELSE updated_at END
WHERE tenant_id = :tenant AND id = :thread;

-- name: newest_threads
-- A page of the newest threads before a place.
SELECT id, title, metadata, agent, archived, next_position, version, message_count, created_at, updated_at
FROM kt_threads
WHERE tenant_id = :tenant AND archived = :archived
    AND updated_at >= :updated_after AND updated_at <= :before_at AND (updated_at < :before_at OR id < :before_id)
    AND created_at >= :created_after AND created_at < :created_before
ORDER BY updated_at DESC, id DESC
LIMIT :limit;

-- name: newest_tagged_by_walk
-- The same for one tag that many threads carry: walk so many of the newest threads and keep those that carry it. Whether one
-- does is looked up before its row is.
SELECT id, title, metadata, agent, archived, next_position, version, message_count, created_at, updated_at
FROM kt_threads
WHERE tenant_id = :tenant AND archived = :archived
    AND updated_at >= COALESCE((
        SELECT k.updated_at
        FROM kt_threads AS k
        WHERE k.tenant_id = :tenant AND k.archived = :archived
            AND k.updated_at >= :updated_after AND k.updated_at <= :before_at
            AND (k.updated_at < :before_at OR k.id < :before_id)
        ORDER BY k.updated_at DESC, k.id DESC
        LIMIT 1 OFFSET :walk
    ), :updated_after)
    AND updated_at <= :before_at AND (updated_at < :before_at OR id < :before_id)
    AND EXISTS (
        SELECT 1 FROM kt_thread_tags AS g WHERE g.tenant_id = :tenant AND g.tag = :tag AND g.thread_id = kt_threads.id
    )
    AND created_at >= :created_after AND created_at < :created_before
ORDER BY updated_at DESC, id DESC
LIMIT :limit;

-- name: newest_tagged_by_tag
-- The same, beginning with the tag. The page is found by key first, so that only its own rows are read whole.
SELECT t.id, t.title, t.metadata, t.agent, t.archived, t.next_position, t.version, t.message_count, t.created_at, t.updated_at
FROM (
    SELECT k.id, k.updated_at
    FROM kt_thread_tags AS g
    CROSS JOIN kt_threads AS k
    WHERE g.tenant_id = :tenant AND g.tag = :tag AND k.tenant_id = :tenant AND k.id = g.thread_id
        AND k.archived = :archived AND k.updated_at >= :updated_after AND k.updated_at <= :before_at
        AND (k.updated_at < :before_at OR k.id < :before_id)
        AND k.created_at >= :created_after AND k.created_at < :created_before
    ORDER BY k.updated_at DESC, k.id DESC
    LIMIT :limit
) AS p
CROSS JOIN kt_threads AS t
WHERE t.tenant_id = :tenant AND t.id = p.id
ORDER BY p.updated_at DESC, p.id DESC;

-- name: newest_tagged_far
-- The same for a tag that very many threads carry, and few of the newest: who carries it is read once, into memory, and the
-- newest are walked in their index. Only the page's own rows are read whole.
SELECT t.id, t.title, t.metadata, t.agent, t.archived, t.next_position, t.version, t.message_count, t.created_at, t.updated_at
FROM (
    SELECT k.id, k.updated_at
    FROM kt_threads AS k
    WHERE k.tenant_id = :tenant AND k.archived = :archived
        AND k.updated_at >= :updated_after AND k.updated_at <= :before_at
        AND (k.updated_at < :before_at OR k.id < :before_id)
        AND k.id IN (SELECT g.thread_id FROM kt_thread_tags AS g WHERE g.tenant_id = :tenant AND g.tag = :tag)
    ORDER BY k.updated_at DESC, k.id DESC
) AS p
CROSS JOIN kt_threads AS t
WHERE t.tenant_id = :tenant AND t.id = p.id AND t.created_at >= :created_after AND t.created_at < :created_before
ORDER BY p.updated_at DESC, p.id DESC
LIMIT :limit;

-- name: next_threads
-- The walk that sees every thread, by id, whatever changes meanwhile.
SELECT id, title, metadata, agent, archived, next_position, version, message_count, created_at, updated_at
FROM kt_threads
WHERE tenant_id = :tenant AND id > :after
ORDER BY id
LIMIT :limit;

-- name: threads_like
-- Threads whose id begins with a text: from it, to what no longer begins with it.
SELECT id, title, metadata, agent, archived, next_position, version, message_count, created_at, updated_at
FROM kt_threads
WHERE tenant_id = :tenant AND id >= :first AND id < :end
ORDER BY id
LIMIT :limit;

-- name: count_threads
-- How many threads the tenant has, and messages in their views.
SELECT COUNT(*) AS threads, COALESCE(SUM(message_count), 0) AS messages
FROM kt_threads
WHERE tenant_id = :tenant;

-- name: delete_thread
DELETE FROM kt_threads
WHERE tenant_id = :tenant AND id = :thread;

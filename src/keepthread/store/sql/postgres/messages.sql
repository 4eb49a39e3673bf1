-- name: keep_revision
-- A parameter in a list of columns is taken for text unless it says what it is.
INSERT INTO kt_revisions (tenant_id, thread_id, message_id, revision, role, content, extra, digest, replaced_at)
SELECT m.tenant_id, m.thread_id, m.id,
    (SELECT COUNT(*) FROM kt_revisions AS r WHERE r.tenant_id = :tenant AND r.thread_id = :thread AND r.message_id = :id),
    m.role, m.content, m.extra, m.digest, CAST(:at AS BIGINT)
FROM kt_messages AS m
WHERE m.tenant_id = :tenant AND m.thread_id = :thread AND m.id = :id;

-- name: thread_and_view
-- A thread's row, and then its whole view in order: one round trip and one snapshot for both. The parts of a UNION ALL
-- come one after the other, each in its own order.
SELECT id, title, metadata, agent, archived, next_position, version, message_count, created_at, updated_at,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM kt_threads
WHERE tenant_id = :tenant AND id = :thread
UNION ALL
SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, m.*
FROM (
    SELECT position, removed, id, role, content, extra, digest, created_at
    FROM kt_messages
    WHERE tenant_id = :tenant AND thread_id = :thread AND removed = 0
    ORDER BY position
) AS m;

-- name: thread_and_view_tail
-- The same with the last messages before a position, latest first.
SELECT id, title, metadata, agent, archived, next_position, version, message_count, created_at, updated_at,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM kt_threads
WHERE tenant_id = :tenant AND id = :thread
UNION ALL
SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, m.*
FROM (
    SELECT position, removed, id, role, content, extra, digest, created_at
    FROM kt_messages
    WHERE tenant_id = :tenant AND thread_id = :thread AND removed = 0 AND position < :before
    ORDER BY position DESC
    LIMIT :limit
) AS m;

-- name: lock_thread
-- The row's lock is what makes READ COMMITTED enough: whoever changes a thread holds it first.
SELECT id, title, metadata, agent, archived, next_position, version, message_count, created_at, updated_at
FROM kt_threads
WHERE tenant_id = :tenant AND id = :thread
FOR UPDATE;

-- name: newest_tagged_by_tag
-- The planner chooses the order of a join by itself, and a CROSS JOIN has no condition here.
SELECT t.id, t.title, t.metadata, t.agent, t.archived, t.next_position, t.version, t.message_count, t.created_at, t.updated_at
FROM kt_thread_tags AS g
JOIN kt_threads AS t ON t.tenant_id = g.tenant_id AND t.id = g.thread_id
WHERE g.tenant_id = :tenant AND g.tag = :tag AND t.tenant_id = :tenant AND t.archived = :archived
    AND t.updated_at >= :updated_after AND t.updated_at <= :before_at
    AND (t.updated_at < :before_at OR t.id < :before_id)
    AND t.created_at >= :created_after AND t.created_at < :created_before
ORDER BY t.updated_at DESC, t.id DESC
LIMIT :limit;

-- name: count_threads
-- A sum of BIGINT is NUMERIC here.
SELECT COUNT(*) AS threads, CAST(COALESCE(SUM(message_count), 0) AS BIGINT) AS messages
FROM kt_threads
WHERE tenant_id = :tenant;

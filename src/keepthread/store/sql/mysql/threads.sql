-- name: lock_thread
-- The row's lock is what makes READ COMMITTED enough: whoever changes a thread holds it first.
SELECT id, title, metadata, agent, archived, next_position, version, message_count, created_at, updated_at
FROM kt_threads
WHERE tenant_id = :tenant AND id = :thread
FOR UPDATE;

-- name: take_positions
-- There is no UPDATE ... RETURNING here. The second statement travels with the first, and sees what that left: the row is
-- locked until the end of the transaction.
UPDATE kt_threads
SET next_position = next_position + :taken,
    version = version + 1,
    message_count = message_count + :count,
    updated_at = CASE WHEN updated_at < :at THEN :at ELSE updated_at END
WHERE tenant_id = :tenant AND id = :thread AND created_at = COALESCE(:born, created_at);
SELECT next_position, version
FROM kt_threads
WHERE tenant_id = :tenant AND id = :thread AND created_at = COALESCE(:born, created_at);

-- name: count_threads
-- A sum of BIGINT is DECIMAL here.
SELECT COUNT(*) AS threads, CAST(COALESCE(SUM(message_count), 0) AS SIGNED) AS messages
FROM kt_threads
WHERE tenant_id = :tenant;

-- name: newest_tagged_by_walk
-- So many of the newest are taken from an index that holds all that is asked of them, which spares their rows, and each is
-- asked for its tag, in their order, until the page is full. A bound that a subquery gives does not end a walk here.
SELECT t.id, t.title, t.metadata, t.agent, t.archived, t.next_position, t.version, t.message_count, t.created_at, t.updated_at
FROM (
    SELECT w.id, w.updated_at
    FROM (
        SELECT k.id, k.updated_at, k.created_at
        FROM kt_threads AS k FORCE INDEX (kt_threads_newest)
        WHERE k.tenant_id = :tenant AND k.archived = :archived
            AND k.updated_at >= :updated_after AND k.updated_at <= :before_at
            AND (k.updated_at < :before_at OR k.id < :before_id)
        ORDER BY k.updated_at DESC, k.id DESC
        LIMIT :walk
    ) AS w
    STRAIGHT_JOIN kt_thread_tags AS g
    WHERE g.tenant_id = :tenant AND g.tag = :tag AND g.thread_id = w.id
        AND w.created_at >= :created_after AND w.created_at < :created_before
    ORDER BY w.updated_at DESC, w.id DESC
    LIMIT :limit
) AS p
CROSS JOIN kt_threads AS t
WHERE t.tenant_id = :tenant AND t.id = p.id
ORDER BY p.updated_at DESC, p.id DESC;

-- name: newest_tagged_far
-- Every carrier in memory costs more here than the tag's index, or that of the threads: the planner knows which is shorter.
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

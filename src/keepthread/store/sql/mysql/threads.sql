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
-- Here an index that holds all that is asked of a thread spares its row: the page is found by key first, and the planner
-- kept to that order.
SELECT t.id, t.title, t.metadata, t.agent, t.archived, t.next_position, t.version, t.message_count, t.created_at, t.updated_at
FROM (
    SELECT k.id, k.updated_at
    FROM kt_threads AS k FORCE INDEX (kt_threads_newest)
    STRAIGHT_JOIN kt_thread_tags AS g
    WHERE k.tenant_id = :tenant AND k.archived = :archived
        AND k.updated_at >= COALESCE((
            SELECT e.updated_at
            FROM kt_threads AS e
            WHERE e.tenant_id = :tenant AND e.archived = :archived
                AND e.updated_at >= :updated_after AND e.updated_at <= :before_at
                AND (e.updated_at < :before_at OR e.id < :before_id)
            ORDER BY e.updated_at DESC, e.id DESC
            LIMIT 1 OFFSET :walk
        ), :updated_after)
        AND k.updated_at <= :before_at AND (k.updated_at < :before_at OR k.id < :before_id)
        AND k.created_at >= :created_after AND k.created_at < :created_before
        AND g.tenant_id = :tenant AND g.tag = :tag AND g.thread_id = k.id
    ORDER BY k.updated_at DESC, k.id DESC
    LIMIT :limit
) AS p
CROSS JOIN kt_threads AS t
WHERE t.tenant_id = :tenant AND t.id = p.id
ORDER BY p.updated_at DESC, p.id DESC;

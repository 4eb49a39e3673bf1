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

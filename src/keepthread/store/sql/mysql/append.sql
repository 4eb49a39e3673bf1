-- name: append_message
-- A message of a turn alone, right behind take_positions in the same packet: its place is counted from the end of what
-- that took. No row is stored where that found no thread.
INSERT INTO kt_messages (
    tenant_id, thread_id, removed, position, id, turn_id, role, content, extra, digest, created_at
)
SELECT k.tenant_id, k.id, 0, k.next_position - :from_end, :id, :turn_id, :role, :content, :extra, :digest, :created_at
FROM kt_threads AS k
WHERE k.tenant_id = :tenant AND k.id = :thread AND k.created_at = COALESCE(:born, k.created_at);

-- name: append_lock
-- The threads of a batch, locked in one order. Who waits for one holds no other.
SELECT tenant_id, id, created_at, next_position, version
FROM kt_threads FORCE INDEX (PRIMARY)
WHERE (tenant_id, id) IN :threads
ORDER BY tenant_id, id
FOR UPDATE;

-- name: append_lock_free
-- The same without those that somebody else holds: one thread that is held would keep all the others waiting. The index is
-- forced, for a planner that believes a table empty reads all of it, and locks what it reads.
SELECT tenant_id, id, created_at, next_position, version
FROM kt_threads FORCE INDEX (PRIMARY)
WHERE (tenant_id, id) IN :threads
ORDER BY tenant_id, id
FOR UPDATE SKIP LOCKED;

-- name: append_repeated
-- Which messages of a batch are there already. By all three columns of the index: an id like '1' may be in every thread.
SELECT tenant_id, thread_id, id
FROM kt_messages FORCE INDEX (kt_messages_id)
WHERE (tenant_id, id, thread_id) IN :messages;

-- name: append_taken
-- What a batch leaves in the rows of its threads, which it has locked: they are there, and no row is ever made.
INSERT INTO kt_threads (
    tenant_id, id, metadata, archived, next_position, version, message_count, created_at, updated_at
)
VALUES (:tenant, :thread, '', 0, :next_position, :version, :count, 0, :at)
ON DUPLICATE KEY UPDATE
    next_position = VALUES(next_position),
    version = VALUES(version),
    message_count = message_count + VALUES(message_count),
    updated_at = GREATEST(updated_at, VALUES(updated_at));

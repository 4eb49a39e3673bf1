-- name: turn
-- One turn that is open or suspended, or a key that is remembered.
SELECT id, turn_key, state, holder, lease_until, next_frame, result, opened_at, changed_at
FROM kt_turns
WHERE tenant_id = :tenant AND thread_id = :thread AND id = :turn;

-- name: thread_turns
-- Every turn of a thread, in the order in which they were opened.
SELECT id, turn_key, state, holder, lease_until, next_frame, result, opened_at, changed_at
FROM kt_turns
WHERE tenant_id = :tenant AND thread_id = :thread
ORDER BY opened_at, id;

-- name: insert_turn
INSERT INTO kt_turns (
    tenant_id, thread_id, id, turn_key, state, holder, lease_until, next_frame, result, opened_at, changed_at
)
VALUES (:tenant, :thread, :turn, :key, 'open', :holder, :lease_until, 0, NULL, :at, :at);

-- name: change_turn
-- Everything of a turn that its work can change.
UPDATE kt_turns
SET state = :state, holder = :holder, lease_until = :lease_until, next_frame = :next_frame, result = :result,
    changed_at = :at
WHERE tenant_id = :tenant AND thread_id = :thread AND id = :turn;

-- name: delete_turn
DELETE FROM kt_turns
WHERE tenant_id = :tenant AND thread_id = :thread AND id = :turn;

-- name: count_turns
-- How many turns of a tenant are not committed.
SELECT COUNT(*) AS turns
FROM kt_turns
WHERE tenant_id = :tenant AND state <> 'committed';

-- name: insert_frame
-- One message of a turn that is open.
INSERT INTO kt_frames (tenant_id, thread_id, turn_id, number, id, role, content, extra, digest, created_at)
VALUES (:tenant, :thread, :turn, :number, :id, :role, :content, :extra, :digest, :created_at);

-- name: frames
-- The messages of a turn, in speaking order.
SELECT id, role, content, extra, digest, created_at
FROM kt_frames
WHERE tenant_id = :tenant AND thread_id = :thread AND turn_id = :turn
ORDER BY number;

-- name: frame_marks
-- Which messages a turn has, without what they say.
SELECT id, digest
FROM kt_frames
WHERE tenant_id = :tenant AND thread_id = :thread AND turn_id = :turn;

-- name: open_frames
-- The messages of every turn of a thread that is not committed, turn by turn. A committed one has none.
SELECT f.id, f.role, f.content, f.extra, f.digest, f.created_at
FROM kt_turns AS t
JOIN kt_frames AS f ON f.tenant_id = t.tenant_id AND f.thread_id = t.thread_id AND f.turn_id = t.id
WHERE t.tenant_id = :tenant AND t.thread_id = :thread AND f.tenant_id = :tenant AND f.thread_id = :thread
ORDER BY t.opened_at, t.id, f.number;

-- name: delete_frame
DELETE FROM kt_frames
WHERE tenant_id = :tenant AND thread_id = :thread AND turn_id = :turn AND id = :id;

-- name: delete_frames
DELETE FROM kt_frames
WHERE tenant_id = :tenant AND thread_id = :thread AND turn_id = :turn;

-- name: message_files
-- The bytes that one message refers to.
SELECT sha256
FROM kt_files
WHERE tenant_id = :tenant AND thread_id = :thread AND message_id = :id;

-- name: delete_message_files
DELETE FROM kt_files
WHERE tenant_id = :tenant AND thread_id = :thread AND message_id = :id;

-- name: delete_thread_turns
DELETE FROM kt_turns
WHERE tenant_id = :tenant AND thread_id = :thread;

-- name: delete_thread_frames
DELETE FROM kt_frames
WHERE tenant_id = :tenant AND thread_id = :thread;

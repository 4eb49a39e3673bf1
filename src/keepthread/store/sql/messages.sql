-- name: insert_message
-- One message of a turn.
INSERT INTO kt_messages (
    tenant_id, thread_id, removed, position, id, turn_id, role, content, extra, digest, created_at
)
VALUES (:tenant, :thread, 0, :position, :id, :turn_id, :role, :content, :extra, :digest, :created_at);

-- name: view
-- The whole view of a thread, in order.
SELECT position, removed, id, role, content, extra, digest, created_at
FROM kt_messages
WHERE tenant_id = :tenant AND thread_id = :thread AND removed = 0
ORDER BY position;

-- name: view_tail
-- The last messages of the view before a position, latest first.
SELECT position, removed, id, role, content, extra, digest, created_at
FROM kt_messages
WHERE tenant_id = :tenant AND thread_id = :thread AND removed = 0 AND position < :before
ORDER BY position DESC
LIMIT :limit;

-- name: view_page
-- The next messages of the view after a position.
SELECT position, removed, id, role, content, extra, digest, created_at
FROM kt_messages
WHERE tenant_id = :tenant AND thread_id = :thread AND removed = 0 AND position > :after
ORDER BY position
LIMIT :limit;

-- name: message
-- One message, shown or removed.
SELECT position, removed, id, role, content, extra, digest, created_at
FROM kt_messages
WHERE tenant_id = :tenant AND thread_id = :thread AND id = :id;

-- name: everything
-- Every message of a thread, also the removed ones.
SELECT position, removed, id, role, content, extra, digest, created_at
FROM kt_messages
WHERE tenant_id = :tenant AND thread_id = :thread
ORDER BY position, removed;

-- name: marks
-- What a merge needs to know of every message: where it is, what it says now, and what it said first.
SELECT m.id, m.position, m.removed, m.digest, COALESCE(r.digest, m.digest) AS first_digest
FROM kt_messages AS m
LEFT JOIN kt_revisions AS r
    ON r.tenant_id = :tenant AND r.thread_id = m.thread_id AND r.message_id = m.id AND r.revision = 0
WHERE m.tenant_id = :tenant AND m.thread_id = :thread
ORDER BY m.position;

-- name: mark
-- The same of one message.
SELECT m.id, m.position, m.removed, m.digest, COALESCE(r.digest, m.digest) AS first_digest
FROM kt_messages AS m
LEFT JOIN kt_revisions AS r
    ON r.tenant_id = :tenant AND r.thread_id = m.thread_id AND r.message_id = m.id AND r.revision = 0
WHERE m.tenant_id = :tenant AND m.thread_id = :thread AND m.id = :id;

-- name: keep_revision
-- Put what a message says now into its history, as its next revision.
INSERT INTO kt_revisions (tenant_id, thread_id, message_id, revision, role, content, extra, digest, replaced_at)
SELECT m.tenant_id, m.thread_id, m.id,
    (SELECT COUNT(*) FROM kt_revisions AS r WHERE r.tenant_id = :tenant AND r.thread_id = :thread AND r.message_id = :id),
    m.role, m.content, m.extra, m.digest, :at
FROM kt_messages AS m
WHERE m.tenant_id = :tenant AND m.thread_id = :thread AND m.id = :id;

-- name: change_message
-- What a message says from now on.
UPDATE kt_messages
SET role = :role, content = :content, extra = :extra, digest = :digest
WHERE tenant_id = :tenant AND thread_id = :thread AND id = :id;

-- name: place_message
-- Where a message is, and whether the view shows it.
UPDATE kt_messages
SET removed = :removed, position = :position
WHERE tenant_id = :tenant AND thread_id = :thread AND id = :id;

-- name: revisions
-- What the messages of a thread said before their edits.
SELECT message_id, revision, role, content, extra, digest, replaced_at
FROM kt_revisions
WHERE tenant_id = :tenant AND thread_id = :thread
ORDER BY message_id, revision;

-- name: delete_messages
DELETE FROM kt_messages
WHERE tenant_id = :tenant AND thread_id = :thread;

-- name: delete_revisions
DELETE FROM kt_revisions
WHERE tenant_id = :tenant AND thread_id = :thread;

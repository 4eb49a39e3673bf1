-- name: summary
-- What of a thread was summarised in one way.
SELECT kind, behind, through, digest, summary
FROM kt_summaries
WHERE tenant_id = :tenant AND thread_id = :thread AND kind = :kind;

-- name: insert_summary
INSERT INTO kt_summaries (tenant_id, thread_id, kind, behind, through, digest, summary)
VALUES (:tenant, :thread, :kind, :behind, :through, :digest, :summary);

-- name: delete_summary
DELETE FROM kt_summaries
WHERE tenant_id = :tenant AND thread_id = :thread AND kind = :kind;

-- name: delete_summaries
DELETE FROM kt_summaries
WHERE tenant_id = :tenant AND thread_id = :thread;

-- name: drop_summaries
-- Forget every summary that stands for a message, or begins behind it: what it says, or where it is, changes.
DELETE FROM kt_summaries
WHERE tenant_id = :tenant AND thread_id = :thread AND through >= (
    SELECT m.position FROM kt_messages AS m WHERE m.tenant_id = :tenant AND m.thread_id = :thread AND m.id = :id
);

-- name: view_head
-- The first messages of the view, through a position.
SELECT position, removed, id, role, content, extra, digest, created_at
FROM kt_messages
WHERE tenant_id = :tenant AND thread_id = :thread AND removed = 0 AND position <= :through
ORDER BY position;

-- name: view_digests
-- The digests of a part of the view, in order, without what it says.
SELECT digest
FROM kt_messages
WHERE tenant_id = :tenant AND thread_id = :thread AND removed = 0 AND position > :after AND position <= :through
ORDER BY position;

-- name: keep_revision
-- A parameter in a list of columns is taken for text unless it says what it is.
INSERT INTO kt_revisions (tenant_id, thread_id, message_id, revision, role, content, extra, digest, replaced_at)
SELECT m.tenant_id, m.thread_id, m.id,
    (SELECT COUNT(*) FROM kt_revisions AS r WHERE r.tenant_id = :tenant AND r.thread_id = :thread AND r.message_id = :id),
    m.role, m.content, m.extra, m.digest, CAST(:at AS BIGINT)
FROM kt_messages AS m
WHERE m.tenant_id = :tenant AND m.thread_id = :thread AND m.id = :id;

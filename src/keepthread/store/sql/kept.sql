-- name: next_tenant
-- The walk over every tenant, of whoever runs the whole database.
SELECT tenant_id FROM kt_threads WHERE tenant_id > :after ORDER BY tenant_id LIMIT 1;

-- name: hides_tenants
-- Whether the server shows this user one tenant at a time; the same for every tenant. Only PostgreSQL can.
SELECT 0;

-- name: kept_page
-- The next messages of a thread as they are kept, in the order of their key, with how many earlier versions each has. The
-- page ends where it weighs enough, in characters; its first message comes whatever it weighs. What it weighs is found by
-- key first, so that only its own rows are read whole.
SELECT m.position, m.removed, m.id, m.turn_id, m.role, m.content, m.extra, m.digest, m.created_at, p.revisions,
    p.through >= :budget AS is_full
FROM (
    SELECT p.removed, p.position, p.revisions, p.size, SUM(p.size) OVER (ORDER BY p.removed, p.position) AS through
    FROM (
        SELECT s.removed, s.position,
            (
                SELECT COUNT(*)
                FROM kt_revisions AS r
                WHERE r.tenant_id = :tenant AND r.thread_id = :thread AND r.message_id = s.id
            ) AS revisions,
            (
                SELECT COALESCE(SUM(COALESCE(LENGTH(r.content), 0) + LENGTH(r.extra)), 0)
                FROM kt_revisions AS r
                WHERE r.tenant_id = :tenant AND r.thread_id = :thread AND r.message_id = s.id
            ) + COALESCE(LENGTH(s.content), 0) + LENGTH(s.extra) AS size
        FROM kt_messages AS s
        WHERE s.tenant_id = :tenant AND s.thread_id = :thread AND (s.removed, s.position) > (:removed, :after)
            AND s.removed <= :most AND s.position < :before
        ORDER BY s.removed, s.position
        LIMIT :limit
    ) AS p
) AS p
JOIN kt_messages AS m
    ON m.tenant_id = :tenant AND m.thread_id = :thread AND m.removed = p.removed AND m.position = p.position
WHERE p.through - p.size < :budget
ORDER BY m.removed, m.position;

-- name: kept_revisions
-- The earlier versions of the messages of such a page.
SELECT r.message_id, r.revision, r.role, r.content, r.extra, r.digest, r.replaced_at
FROM kt_messages AS m
JOIN kt_revisions AS r ON r.tenant_id = :tenant AND r.thread_id = m.thread_id AND r.message_id = m.id
WHERE m.tenant_id = :tenant AND m.thread_id = :thread AND (m.removed, m.position) > (:removed, :after)
    AND (m.removed, m.position) <= (:last_removed, :last)
ORDER BY m.removed, m.position, r.revision;

-- name: insert_kept_message
-- A message as it was kept elsewhere: shown or removed, at its position, in its turn.
INSERT INTO kt_messages (
    tenant_id, thread_id, removed, position, id, turn_id, role, content, extra, digest, created_at
)
VALUES (:tenant, :thread, :removed, :position, :id, :turn_id, :role, :content, :extra, :digest, :created_at);

-- name: insert_kept_revision
-- What a message said before one of its edits elsewhere.
INSERT INTO kt_revisions (tenant_id, thread_id, message_id, revision, role, content, extra, digest, replaced_at)
VALUES (:tenant, :thread, :id, :revision, :role, :content, :extra, :digest, :replaced_at);

-- name: any_file
-- Whether the tenant has attachments at all.
SELECT COUNT(*) AS files
FROM (SELECT 1 FROM kt_files WHERE tenant_id = :tenant LIMIT 1) AS f;

-- name: kept_states
-- The next values of session state as they are kept, in the order of their key, also beside threads that are not there.
SELECT scope, name, value, version, updated_at
FROM kt_states
WHERE tenant_id = :tenant AND scope >= :scope AND (scope > :scope OR name > :name)
ORDER BY scope, name
LIMIT :limit;

-- name: kept_state
-- One of them, beside what another database holds of it.
SELECT scope, name, value, version, updated_at
FROM kt_states
WHERE tenant_id = :tenant AND scope = :scope AND name = :name;

-- name: kept_page
-- A comparison of two columns with two values finds no place in an index here, and LENGTH counts bytes.
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
                SELECT COALESCE(SUM(COALESCE(CHAR_LENGTH(r.content), 0) + CHAR_LENGTH(r.extra)), 0)
                FROM kt_revisions AS r
                WHERE r.tenant_id = :tenant AND r.thread_id = :thread AND r.message_id = s.id
            ) + COALESCE(CHAR_LENGTH(s.content), 0) + CHAR_LENGTH(s.extra) AS size
        FROM kt_messages AS s
        WHERE s.tenant_id = :tenant AND s.thread_id = :thread
            AND ((s.removed = :removed AND s.position > :after) OR s.removed > :removed)
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
-- As above: a range of keys is written out.
SELECT r.message_id, r.revision, r.role, r.content, r.extra, r.digest, r.replaced_at
FROM kt_messages AS m
JOIN kt_revisions AS r ON r.tenant_id = :tenant AND r.thread_id = m.thread_id AND r.message_id = m.id
WHERE m.tenant_id = :tenant AND m.thread_id = :thread
    AND ((m.removed = :removed AND m.position > :after) OR m.removed > :removed)
    AND ((m.removed = :last_removed AND m.position <= :last) OR m.removed < :last_removed)
ORDER BY m.removed, m.position, r.revision;

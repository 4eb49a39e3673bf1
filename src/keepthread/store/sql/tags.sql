-- name: insert_tag
INSERT INTO kt_thread_tags (tenant_id, tag, thread_id)
VALUES (:tenant, :tag, :thread);

-- name: delete_tag
DELETE FROM kt_thread_tags
WHERE tenant_id = :tenant AND tag = :tag AND thread_id = :thread;

-- name: count_tag
-- How many threads carry a tag, counted up to a limit.
SELECT COUNT(*) AS threads
FROM (SELECT 1 FROM kt_thread_tags WHERE tenant_id = :tenant AND tag = :tag LIMIT :limit) AS g;

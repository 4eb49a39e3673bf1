-- name: copy_mark
-- How the last copy left a thread.
SELECT thread_id, source_id, version, is_whole
FROM kt_copies
WHERE tenant_id = :tenant AND thread_id = :thread;

-- name: copy_marks
-- The same of all threads between two ids.
SELECT thread_id, source_id, version, is_whole
FROM kt_copies
WHERE tenant_id = :tenant AND thread_id > :after AND thread_id <= :last;

-- name: insert_copy_mark
INSERT INTO kt_copies (tenant_id, thread_id, source_id, version, is_whole)
VALUES (:tenant, :thread, :source_id, :version, :is_whole);

-- name: delete_copy_mark
DELETE FROM kt_copies
WHERE tenant_id = :tenant AND thread_id = :thread;

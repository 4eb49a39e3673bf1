-- name: insert_file
-- A SELECT with a condition needs a table here.
INSERT INTO kt_files (tenant_id, sha256, thread_id, message_id)
SELECT :tenant, :sha256, :thread, :id
FROM DUAL
WHERE NOT EXISTS (
    SELECT 1 FROM kt_files
    WHERE tenant_id = :tenant AND sha256 = :sha256 AND thread_id = :thread AND message_id = :id
);

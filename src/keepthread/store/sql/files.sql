-- name: insert_file
-- A message refers to bytes. An edit may refer to them again.
INSERT INTO kt_files (tenant_id, sha256, thread_id, message_id)
SELECT :tenant, :sha256, :thread, :id
WHERE NOT EXISTS (
    SELECT 1 FROM kt_files
    WHERE tenant_id = :tenant AND sha256 = :sha256 AND thread_id = :thread AND message_id = :id
);

-- name: thread_files
-- The bytes that a thread refers to.
SELECT DISTINCT sha256
FROM kt_files
WHERE tenant_id = :tenant AND thread_id = :thread;

-- name: file_users
-- Whether anything of the tenant refers to some bytes.
SELECT COUNT(*) AS users
FROM (SELECT 1 FROM kt_files WHERE tenant_id = :tenant AND sha256 = :sha256 LIMIT 1) AS f;

-- name: delete_files
DELETE FROM kt_files
WHERE tenant_id = :tenant AND thread_id = :thread;

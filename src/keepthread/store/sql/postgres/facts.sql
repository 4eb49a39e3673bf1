-- name: server_facts
-- Of the server; the same for every tenant.
SELECT current_setting('server_version'), current_setting('fsync'), current_setting('synchronous_commit');

-- name: database_bytes
-- The size of our tables and their indexes; the same for every tenant.
SELECT CAST(COALESCE(SUM(pg_total_relation_size(oid)), 0) AS BIGINT)
FROM pg_class
WHERE relname LIKE 'kt\_%' AND relkind IN ('r', 'p') AND pg_table_is_visible(oid);

-- name: hides_tenants
-- A policy may be forced, and a superuser is above it; the same for every tenant.
SELECT CAST(row_security_active('kt_threads') AS INTEGER);

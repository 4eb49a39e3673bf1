-- name: session
-- What every connection begins with, and what it needs to know; the same for every tenant. It lasts as long as the
-- connection: a proxy that hands one from client to client has to keep these, as ProxySQL does. Nothing is cut or
-- changed silently by any mode that the server was given.
SET NAMES utf8mb4;
SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED;
SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', innodb_lock_wait_timeout = :lock_seconds;
SELECT VERSION(), @@max_allowed_packet, CAST(@@read_only AS CHAR) NOT IN ('0', 'OFF');
SHOW SESSION VARIABLES LIKE 'wsrep_on';

-- name: sync_wait
-- On a Galera cluster a read waits for what was written on another node before; the same for every tenant.
SET SESSION wsrep_sync_wait = 1;

-- name: server_facts
-- Of the server; the same for every tenant.
SELECT VERSION(), @@innodb_flush_log_at_trx_commit, @@log_bin, @@sync_binlog;

-- name: database_bytes
-- The size of our tables and their indexes, as the server last counted it; the same for every tenant.
SELECT CAST(COALESCE(SUM(data_length + index_length), 0) AS SIGNED)
FROM information_schema.tables
WHERE table_schema = DATABASE() AND LEFT(table_name, 3) = 'kt_';

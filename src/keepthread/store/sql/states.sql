-- name: state
-- One value, as canonical JSON, and its version.
SELECT value, version
FROM kt_states
WHERE tenant_id = :tenant AND scope = :scope AND name = :name;

-- name: state_version
-- The version without the value.
SELECT version
FROM kt_states
WHERE tenant_id = :tenant AND scope = :scope AND name = :name;

-- name: state_names
-- What is kept in a scope, in the order of the names' bytes.
SELECT name
FROM kt_states
WHERE tenant_id = :tenant AND scope = :scope
ORDER BY name;

-- name: insert_state
INSERT INTO kt_states (tenant_id, scope, name, value, version, updated_at)
VALUES (:tenant, :scope, :name, :value, :version, :at);

-- name: change_state
-- Only if its version is still the expected one; NULL expects none. The row is compared and changed under its own lock, so
-- that nothing need be locked before.
UPDATE kt_states
SET value = :value, version = :version, updated_at = :at
WHERE tenant_id = :tenant AND scope = :scope AND name = :name AND version = COALESCE(:expected, version);

-- name: delete_state
-- The same for taking it away.
DELETE FROM kt_states
WHERE tenant_id = :tenant AND scope = :scope AND name = :name AND version = COALESCE(:expected, version);

-- name: delete_thread_states
DELETE FROM kt_states
WHERE tenant_id = :tenant AND scope = :thread;

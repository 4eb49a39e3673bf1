-- name: meta
-- A fact about the database itself; the same for every tenant.
SELECT value FROM kt_meta WHERE name = :name;

-- name: schema_version
-- The last migration that the database has had; the same for every tenant.
SELECT MAX(version) FROM kt_migrations;

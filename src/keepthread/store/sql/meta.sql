-- name: meta
-- A fact about the database itself; the same for every tenant.
SELECT value FROM kt_meta WHERE name = :name;

-- name: database_bytes
-- The size of the database file, or of the database in memory; the same for every tenant.
SELECT p.page_count * s.page_size FROM pragma_page_count AS p, pragma_page_size AS s;

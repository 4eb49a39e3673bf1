-- name: has_citus
-- Whether the database has the extension; the same for every tenant.
SELECT to_regproc('citus_version') IS NOT NULL;

-- name: is_coordinator
-- Whether this node is the one that the others follow; the same for every tenant.
SELECT citus_is_coordinator();

-- name: distributed_tables
-- The tables that Citus has taken over, and the column that tells on which node a row is; the same for every tenant.
SELECT quote_ident(c.relname), COALESCE(column_to_column_name(d.logicalrelid, d.partkey), '')
FROM pg_dist_partition AS d
JOIN pg_class AS c ON c.oid = d.logicalrelid;

-- name: distribute_table
-- Spread a table over the nodes. Rows of two tables whose column says the same are on one node.
SELECT create_distributed_table(CAST(:table AS regclass), :column, colocate_with => :beside);

-- name: keep_table_everywhere
-- Keep a whole table on every node.
SELECT create_reference_table(CAST(:table AS regclass));

-- name: note_distribution
-- A fact about the database itself; the same for every tenant.
INSERT INTO kt_meta (name, value)
SELECT 'distributed_by', CAST(:by AS TEXT)
WHERE NOT EXISTS (SELECT 1 FROM kt_meta WHERE name = 'distributed_by');

-- name: tenant_tables
-- Our tables whose rows belong to tenants, threads first: what a transaction locks first as well. Names ready to be put
-- into a statement; whether a row ever was in one is seen by its size, which no policy hides; the same for every tenant.
SELECT quote_ident(c.relname), c.relrowsecurity AND c.relforcerowsecurity,
    EXISTS (SELECT 1 FROM pg_policy AS p WHERE p.polrelid = c.oid AND p.polname = 'kt_tenant'), pg_relation_size(c.oid) > 0
FROM pg_class AS c
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
WHERE c.relname LIKE 'kt\_%' AND c.relkind IN ('r', 'p') AND pg_table_is_visible(c.oid)
ORDER BY c.relname <> 'kt_threads', c.relname;

-- name: found_tables
-- Of how many tables the server shows a transaction only the rows of its tenant, and whether there are facts about the
-- database to read; the same for every tenant.
SELECT COUNT(*) FILTER (WHERE relrowsecurity), COUNT(*) FILTER (WHERE relname = 'kt_meta')
FROM pg_class
WHERE relname LIKE 'kt\_%' AND relkind IN ('r', 'p') AND pg_table_is_visible(oid);

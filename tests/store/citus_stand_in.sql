-- What `distribute` uses of Citus, with its signatures, as functions that write down what they were asked for. It shows
-- which statements are sent and in which order, and refuses what these functions of Citus refuse. It spreads no rows.

CREATE FUNCTION citus_version() RETURNS TEXT LANGUAGE sql AS $$ SELECT 'stand-in' $$;

CREATE TABLE stand_in (is_coordinator BOOLEAN NOT NULL, fails_at TEXT);
INSERT INTO stand_in VALUES (TRUE, NULL);

CREATE FUNCTION citus_is_coordinator() RETURNS BOOLEAN LANGUAGE sql AS $$ SELECT is_coordinator FROM stand_in $$;

CREATE TABLE pg_dist_partition (logicalrelid REGCLASS PRIMARY KEY, partkey TEXT, place BIGINT GENERATED ALWAYS AS IDENTITY);

CREATE FUNCTION column_to_column_name(table_name REGCLASS, column_var_text TEXT) RETURNS TEXT LANGUAGE sql AS $$
    SELECT column_var_text
$$;

CREATE TABLE asked (number BIGINT GENERATED ALWAYS AS IDENTITY, said TEXT NOT NULL);

CREATE FUNCTION create_distributed_table(
    table_name REGCLASS, distribution_column TEXT, distribution_type TEXT DEFAULT 'hash',
    colocate_with TEXT DEFAULT 'default', shard_count INT DEFAULT NULL
) RETURNS VOID LANGUAGE plpgsql AS $$
BEGIN
    IF table_name::TEXT = (SELECT fails_at FROM stand_in) THEN
        RAISE 'a node is gone' USING ERRCODE = '58000';
    END IF;
    IF EXISTS (SELECT 1 FROM pg_dist_partition WHERE logicalrelid = table_name) THEN
        RAISE 'table % is already distributed', table_name USING ERRCODE = '42P16';
    END IF;
    IF EXISTS (
        SELECT 1 FROM pg_index AS i WHERE i.indrelid = table_name AND i.indisunique AND NOT EXISTS (
            SELECT 1 FROM pg_attribute AS a
            WHERE a.attrelid = table_name AND a.attname = distribution_column AND a.attnum = ANY (i.indkey)
        )
    ) THEN
        RAISE 'a unique index of % lacks the distribution column', table_name USING ERRCODE = '0A000';
    END IF;
    IF colocate_with <> 'none' AND NOT EXISTS (
        SELECT 1
        FROM pg_dist_partition AS d
        JOIN pg_attribute AS b ON b.attrelid = d.logicalrelid AND b.attname = d.partkey
        JOIN pg_attribute AS a ON a.attrelid = table_name AND a.attname = distribution_column
        WHERE d.logicalrelid = colocate_with::REGCLASS AND a.atttypid = b.atttypid AND a.attcollation = b.attcollation
    ) THEN
        RAISE 'cannot colocate % with %', table_name, colocate_with USING ERRCODE = '42804';
    END IF;
    INSERT INTO pg_dist_partition VALUES (table_name, distribution_column);
    INSERT INTO asked (said) VALUES (format('%s by %s beside %s', table_name, distribution_column, colocate_with));
END $$;

CREATE FUNCTION create_reference_table(table_name REGCLASS) RETURNS VOID LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_dist_partition WHERE logicalrelid = table_name) THEN
        RAISE 'table % is already distributed', table_name USING ERRCODE = '42P16';
    END IF;
    INSERT INTO pg_dist_partition VALUES (table_name, NULL);
    INSERT INTO asked (said) VALUES (format('%s everywhere', table_name));
END $$;

-- name: append_alone
-- One turn in one round trip, committed by itself. No row: no such thread. An id that is there already breaks the unique
-- index, and then nothing of it is stored.
WITH taken AS (
    UPDATE kt_threads
    SET next_position = next_position + :taken,
        version = version + 1,
        message_count = message_count + :count,
        updated_at = GREATEST(updated_at, :at)
    WHERE tenant_id = :tenant AND id = :thread AND created_at = COALESCE(:born, created_at)
    RETURNING next_position, version
), stored AS (
    INSERT INTO kt_messages (
        tenant_id, thread_id, removed, position, id, turn_id, role, content, extra, digest, created_at
    )
    SELECT :tenant, :thread, 0, t.next_position - :taken + (m.place - 1) * :step, m.id, :turn_id, m.role, m.content,
        m.extra, m.digest, m.created_at
    FROM taken AS t
    CROSS JOIN unnest(
        CAST(:ids AS TEXT[]), CAST(:roles AS TEXT[]), CAST(:contents AS TEXT[]), CAST(:extras AS TEXT[]),
        CAST(:digests AS BYTEA[]), CAST(:created AS BIGINT[])
    ) WITH ORDINALITY AS m (id, role, content, extra, digest, created_at, place)
)
SELECT next_position, version FROM taken;

-- name: append_batch
-- Many turns in one round trip, committed together, each with its own outcome: no row where there is no such thread, or
-- somebody else holds it; a turn of which an id is there already is not stored, and says so. It waits for nobody: one
-- thread that is held would keep all the others waiting. Threads are locked in one order all the same. The LATERAL
-- subqueries with their LIMIT keep the planner at the indexes, whatever it believes of tables that were never analysed.
-- Turns of one thread get positions one after the other, in their order.
WITH turn AS (
    SELECT tenant_id, thread_id, born, at, count, turn_id, number
    FROM unnest(
        CAST(:tenants AS TEXT[]), CAST(:threads AS TEXT[]), CAST(:borns AS BIGINT[]), CAST(:ats AS BIGINT[]),
        CAST(:counts AS BIGINT[]), CAST(:turn_ids AS TEXT[])
    ) WITH ORDINALITY AS t (tenant_id, thread_id, born, at, count, turn_id, number)
), said AS (
    SELECT number, place, id, role, content, extra, digest, created_at
    FROM unnest(
        CAST(:numbers AS BIGINT[]), CAST(:places AS BIGINT[]), CAST(:ids AS TEXT[]), CAST(:roles AS TEXT[]),
        CAST(:contents AS TEXT[]), CAST(:extras AS TEXT[]), CAST(:digests AS BYTEA[]), CAST(:created AS BIGINT[])
    ) AS m (number, place, id, role, content, extra, digest, created_at)
), locked AS MATERIALIZED (
    SELECT w.tenant_id, w.thread_id, l.created_at, l.next_position, l.version
    FROM (SELECT DISTINCT tenant_id, thread_id FROM turn ORDER BY tenant_id, thread_id) AS w
    CROSS JOIN LATERAL (
        SELECT k.created_at, k.next_position, k.version
        FROM kt_threads AS k
        WHERE k.tenant_id = w.tenant_id AND k.id = w.thread_id
        LIMIT 1
        FOR UPDATE SKIP LOCKED
    ) AS l
), repeated AS (
    SELECT s.number
    FROM said AS s
    JOIN turn AS t ON t.number = s.number
    CROSS JOIN LATERAL (
        SELECT 1
        FROM kt_messages AS k
        WHERE k.tenant_id = t.tenant_id AND k.thread_id = t.thread_id AND k.id = s.id
        LIMIT 1
    ) AS there
), found AS MATERIALIZED (
    SELECT t.number, t.tenant_id, t.thread_id, t.turn_id, t.at, t.count, l.next_position, l.version,
        t.number IN (SELECT number FROM repeated) AS is_repeated
    FROM turn AS t
    JOIN locked AS l
        ON l.tenant_id = t.tenant_id AND l.thread_id = t.thread_id AND l.created_at = COALESCE(t.born, l.created_at)
), placed AS MATERIALIZED (
    SELECT number, tenant_id, thread_id, turn_id, at, count,
        next_position + CAST(SUM(count) OVER earlier AS BIGINT) * :step AS next_position,
        version + ROW_NUMBER() OVER earlier AS version
    FROM found
    WHERE NOT is_repeated
    WINDOW earlier AS (PARTITION BY tenant_id, thread_id ORDER BY number)
), changed AS (
    UPDATE kt_threads AS k
    SET next_position = k.next_position + p.taken,
        version = k.version + p.turns,
        message_count = k.message_count + p.messages,
        updated_at = GREATEST(k.updated_at, p.at)
    FROM (
        SELECT tenant_id, thread_id, CAST(SUM(count) AS BIGINT) * :step AS taken, COUNT(*) AS turns,
            CAST(SUM(count) AS BIGINT) AS messages, MAX(at) AS at
        FROM placed
        GROUP BY tenant_id, thread_id
    ) AS p
    WHERE k.tenant_id = p.tenant_id AND k.id = p.thread_id
), stored AS (
    INSERT INTO kt_messages (
        tenant_id, thread_id, removed, position, id, turn_id, role, content, extra, digest, created_at
    )
    SELECT p.tenant_id, p.thread_id, 0, p.next_position - (p.count - s.place) * :step, s.id, p.turn_id, s.role, s.content,
        s.extra, s.digest, s.created_at
    FROM placed AS p
    JOIN said AS s ON s.number = p.number
)
SELECT number, FALSE AS is_repeated, next_position, version
FROM placed
UNION ALL
SELECT number, TRUE, 0, 0
FROM found
WHERE is_repeated;

-- The stand-in's content, made inside the server from the seed. Statements are told apart by lines
-- that begin with `-- name:`; values arrive as parameters.

-- name: tenants
INSERT INTO tenants (id, name, created_at)
SELECT id, 'Tenant ' || number, timestamptz '2026-01-05 08:00+00' + number * interval '1 hour'
FROM unnest(%(tenants)s::uuid[]) WITH ORDINALITY AS given (id, number);

-- name: settings
INSERT INTO settings (tenant_id, key, value)
SELECT NULL, 'auto_update', '"off"'::jsonb
UNION ALL
SELECT id, 'model', to_jsonb('model-' || left(md5(%(seed)s || ':model:' || id), 6)) FROM tenants
UNION ALL
SELECT id, 'retention_days', to_jsonb(90) FROM tenants;

-- name: pool
CREATE UNLOGGED TABLE pool AS
SELECT lpad(to_hex(n), 3, '0') AS code,
       initcap(split_part(line, ' ', 1)) || substr(line, strpos(line, ' ')) || '.' AS sentence
FROM (
    SELECT n, string_agg(
        (string_to_array(%(words)s, ' '))[1 + mod(get_byte(draw, place), 64)], ' ' ORDER BY place) AS line
    FROM generate_series(0, 4095) AS n
    CROSS JOIN LATERAL (
        SELECT decode(md5(%(seed)s || ':pool:' || n) || md5(%(seed)s || ':more:' || n), 'hex') AS draw
    ) AS drawn
    CROSS JOIN LATERAL generate_series(0, 21 + mod(get_byte(draw, 31), 10)) AS place
    GROUP BY n
) AS made;

-- name: agents
INSERT INTO agents (id, tenant_id, name, prompt, created_at)
SELECT n, (%(tenants)s::uuid[])[1 + mod(n - 1, cardinality(%(tenants)s::uuid[]))], 'agent-' || n, p.sentence,
       timestamptz '2026-01-06 08:00+00' + n * interval '1 minute'
FROM generate_series(1, %(agents)s::integer) AS n
JOIN pool AS p ON p.code = left(md5(%(seed)s || ':agent:' || n), 3)
ORDER BY n;

-- name: conversations
INSERT INTO conversations (id, tenant_id, agent_id, title, created_at)
SELECT n, a.tenant_id, a.id, left(p.sentence, 60),
       timestamptz '2026-01-07 08:00+00' + n * (interval '120 days' / %(conversations)s)
FROM generate_series(1, %(conversations)s::integer) AS n
JOIN agents AS a ON a.id = 1 + mod(n - 1, %(agents)s::integer)
JOIN pool AS p ON p.code = left(md5(%(seed)s || ':conversation:' || n), 3)
ORDER BY n;

-- name: messages
INSERT INTO messages (id, tenant_id, conversation_id, author, body, created_at)
SELECT n, c.tenant_id, c.id, CASE mod(n, 2) WHEN 1 THEN 'user' ELSE 'agent' END,
       CASE mod(n, 2) WHEN 1 THEN p1.sentence
                      ELSE concat_ws(' ', p1.sentence, p2.sentence, p3.sentence, p4.sentence) END,
       timestamptz '2026-01-08 08:00+00' + n * (interval '150 days' / %(messages)s)
FROM (
    SELECT n, md5(%(seed)s || ':message:' || n) AS draw FROM generate_series(%(first)s::integer, %(last)s::integer) AS n
) AS drawn
JOIN conversations AS c ON c.id = 1 + mod((n - 1) / 2, %(conversations)s::integer)
JOIN pool AS p1 ON p1.code = left(draw, 3)
JOIN pool AS p2 ON p2.code = substr(draw, 4, 3)
JOIN pool AS p3 ON p3.code = substr(draw, 7, 3)
JOIN pool AS p4 ON p4.code = substr(draw, 10, 3)
ORDER BY n;

-- name: turns
INSERT INTO turns (id, tenant_id, conversation_id, model, state, input_tokens, output_tokens, cost, took, begun_at)
SELECT n, c.tenant_id, c.id, 'model-' || left(draw, 1), CASE left(draw, 2) WHEN '00' THEN 'failed' ELSE 'done' END,
       given, made, (3 * given + 15 * made) / 1000000.0, made * interval '11 milliseconds',
       timestamptz '2026-01-08 08:00+00' + n * (interval '150 days' / %(turns)s)
FROM (
    SELECT n, draw, 200 + ('x' || substr(draw, 3, 4))::bit(16)::integer AS given,
           5 + ('x' || substr(draw, 7, 3))::bit(12)::integer AS made
    FROM generate_series(%(first)s::integer, %(last)s::integer) AS n
    CROSS JOIN LATERAL (SELECT md5(%(seed)s || ':turn:' || n) AS draw) AS drawn
) AS counted
JOIN conversations AS c ON c.id = 1 + mod(n - 1, %(conversations)s::integer)
ORDER BY n;

-- name: tool_calls
INSERT INTO tool_calls (id, tenant_id, turn_id, tool, arguments, result, begun_at)
SELECT draw::uuid, t.tenant_id, t.id, tool,
       jsonb_build_object('query', left(p1.sentence, 60), 'limit', mod(n, 50), 'page', substr(draw, 20, 4)),
       concat_ws(' ', p1.sentence, p2.sentence), t.begun_at + interval '1 second'
FROM (
    SELECT n, draw, (ARRAY['web.search', 'crm.find', 'mail.send', 'calendar.list', 'files.read'])[1 + mod(n, 5)] AS tool
    FROM generate_series(%(first)s::integer, %(last)s::integer) AS n
    CROSS JOIN LATERAL (SELECT md5(%(seed)s || ':tool call:' || n) AS draw) AS drawn
) AS drawn
JOIN turns AS t ON t.id = 1 + mod(n - 1, %(turns)s::integer)
JOIN pool AS p1 ON p1.code = left(draw, 3)
JOIN pool AS p2 ON p2.code = substr(draw, 4, 3)
ORDER BY n;

-- name: memory_entries
INSERT INTO memory_entries (id, tenant_id, agent_id, content, used_at)
SELECT draw::uuid, a.tenant_id, a.id, concat_ws(' ', p1.sentence, p2.sentence),
       timestamptz '2026-01-08 08:00+00' + n * (interval '150 days' / %(memory_entries)s)
FROM (
    SELECT n, md5(%(seed)s || ':memory:' || n) AS draw FROM generate_series(%(first)s::integer, %(last)s::integer) AS n
) AS drawn
JOIN agents AS a ON a.id = 1 + mod(n - 1, %(agents)s::integer)
JOIN pool AS p1 ON p1.code = left(draw, 3)
JOIN pool AS p2 ON p2.code = substr(draw, 4, 3)
ORDER BY n;

-- name: audit_events
INSERT INTO audit_events (id, tenant_id, actor, action, detail, at)
SELECT n, a.tenant_id, a.name, (ARRAY['key.read', 'agent.run', 'tool.call', 'login', 'export'])[1 + mod(n, 5)],
       jsonb_build_object('address', '10.' || mod(n, 16) || '.' || mod(n, 251) || '.7', 'request', left(draw, 16),
                          'agent', a.id, 'status', CASE left(draw, 2) WHEN '00' THEN 'refused' ELSE 'allowed' END),
       timestamptz '2026-01-08 08:00+00' + n * (interval '150 days' / %(audit_events)s)
FROM (
    SELECT n, md5(%(seed)s || ':event:' || n) AS draw FROM generate_series(%(first)s::integer, %(last)s::integer) AS n
) AS drawn
JOIN agents AS a ON a.id = 1 + mod(n - 1, %(agents)s::integer)
ORDER BY n;

-- name: finish
SELECT setval(pg_get_serial_sequence(name, 'id'), greatest(highest, 1))
FROM (
    SELECT 'agents' AS name, max(id) AS highest FROM agents
    UNION ALL SELECT 'conversations', max(id) FROM conversations
    UNION ALL SELECT 'messages', max(id) FROM messages
    UNION ALL SELECT 'turns', max(id) FROM turns
    UNION ALL SELECT 'audit_events', max(id) FROM audit_events
    UNION ALL SELECT 'media', max(id) FROM media
) AS counted;

-- name: stamp
UPDATE schema_migrations SET applied_at = timestamptz '2026-01-05 08:00+00';

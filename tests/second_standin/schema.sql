-- Other names, other types and another schema than the sandbox's.
CREATE SCHEMA crypt;
CREATE EXTENSION pgcrypto SCHEMA crypt;
CREATE SCHEMA hum;
CREATE TABLE hum.org (slug text PRIMARY KEY);
CREATE TABLE hum.turn (
    id bigint GENERATED ALWAYS AS IDENTITY,
    org text NOT NULL REFERENCES hum.org,
    said jsonb NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (id, at)
) PARTITION BY RANGE (at);
CREATE TABLE hum."turn 2025" PARTITION OF hum.turn FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE hum."turn 2026" PARTITION OF hum.turn FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE INDEX ON hum.turn USING gin (said);
CREATE TABLE hum.object (
    key text PRIMARY KEY,
    bytes int NOT NULL,
    digest bytea
);
CREATE TABLE hum.keyring (org text PRIMARY KEY REFERENCES hum.org, iv bytea NOT NULL, wrapped bytea NOT NULL);
CREATE TABLE hum.secret (
    org text NOT NULL REFERENCES hum.org,
    label text NOT NULL,
    sealed text NOT NULL,
    PRIMARY KEY (org, label)
);
CREATE MATERIALIZED VIEW hum.turns_by_org AS SELECT org, count(*) FROM hum.turn GROUP BY org;
ALTER TABLE hum.turn ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON hum.turn TO gw_web USING (org = current_setting('hum.org', true));
GRANT USAGE ON SCHEMA hum TO gw_web;
GRANT SELECT, INSERT ON hum.turn TO gw_web;
INSERT INTO hum.org VALUES ('acme'), ('öko & co');
INSERT INTO hum.turn (org, said, at)
SELECT CASE n % 3 WHEN 0 THEN 'acme' ELSE 'öko & co' END, jsonb_build_object('text', md5(n::text)),
       timestamptz '2025-06-01 00:00+00' + n * interval '1 hour'
FROM generate_series(1, 9000) n;
REFRESH MATERIALIZED VIEW hum.turns_by_org;

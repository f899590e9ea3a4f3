-- One text for SQLite and PostgreSQL: BIGINT, TEXT, DOUBLE and bytes only; booleans are 0 or 1, times milliseconds
-- since the epoch, IDs hyphenated UUIDv7 (they sort by time), structures JSON.

-- A process that shares the journal. `realm` is the space in which its pid means something.
CREATE TABLE member (
    id         TEXT   NOT NULL PRIMARY KEY,
    user_name  TEXT   NOT NULL,
    host       TEXT   NOT NULL,
    pid        BIGINT NOT NULL,
    realm      TEXT   NOT NULL,
    started_at BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL
);

-- A cloud; `instance` is one run of a local cloud, empty for any other.
CREATE TABLE cloud (
    id         TEXT NOT NULL PRIMARY KEY,
    cloud_name TEXT NOT NULL,
    api        TEXT NOT NULL,
    instance   TEXT NOT NULL,
    UNIQUE (cloud_name, api, instance)
);

-- One command of an operator. `label` and `items` spare the lists a look at the items.
CREATE TABLE operation (
    id           TEXT   NOT NULL PRIMARY KEY,
    cloud        TEXT   NOT NULL REFERENCES cloud (id),
    member       TEXT   NOT NULL,
    verb         TEXT   NOT NULL,
    ordered_at   BIGINT NOT NULL,
    command_line TEXT   NOT NULL,
    note         TEXT,
    invalidate   BIGINT NOT NULL,
    label        TEXT   NOT NULL,
    items        BIGINT NOT NULL
);
CREATE INDEX operation_by_time ON operation (cloud, ordered_at, id);

-- One asset of an operation and what became of the call for it.
CREATE TABLE item (
    id               TEXT   NOT NULL PRIMARY KEY,
    operation        TEXT   NOT NULL REFERENCES operation (id) ON DELETE CASCADE,
    seq              BIGINT NOT NULL,
    resource_type    TEXT   NOT NULL,
    delivery_type    TEXT   NOT NULL,
    public_id        TEXT   NOT NULL,
    to_resource_type TEXT,
    to_delivery_type TEXT,
    to_public_id     TEXT,
    state            TEXT   NOT NULL,
    sent_at          BIGINT,
    message          TEXT
);
CREATE INDEX item_by_state ON item (operation, state);
CREATE INDEX item_by_key ON item (public_id, resource_type, delivery_type);
CREATE INDEX item_by_target ON item (to_public_id, to_resource_type, to_delivery_type) WHERE to_public_id IS NOT NULL;

-- What an operation asked the caches to drop: who tracks it (lease, fencing), and how it ended.
CREATE TABLE invalidation (
    id          TEXT   NOT NULL PRIMARY KEY,
    operation   TEXT   NOT NULL UNIQUE REFERENCES operation (id) ON DELETE CASCADE,
    terms       TEXT   NOT NULL,
    not_covered TEXT   NOT NULL,
    holder      TEXT,
    lease_until BIGINT NOT NULL DEFAULT 0,
    fencing     BIGINT NOT NULL DEFAULT 0,
    outcome     TEXT,
    ended_at    BIGINT,
    sentence    TEXT
);
CREATE INDEX invalidation_open ON invalidation (id) WHERE outcome IS NULL;
CREATE INDEX invalidation_ended ON invalidation (ended_at) WHERE outcome IS NOT NULL;

-- The latest published picture; apart, because it is large and often rewritten.
CREATE TABLE snapshot (
    invalidation TEXT   NOT NULL PRIMARY KEY REFERENCES invalidation (id) ON DELETE CASCADE,
    taken_at     BIGINT NOT NULL,
    picture      TEXT   NOT NULL
);

-- A name in storage whose URLs are watched. `gone`: storage was last read as empty and the name need not live.
CREATE TABLE watched_name (
    invalidation  TEXT   NOT NULL REFERENCES invalidation (id) ON DELETE CASCADE,
    resource_type TEXT   NOT NULL,
    delivery_type TEXT   NOT NULL,
    public_id     TEXT   NOT NULL,
    seq           BIGINT NOT NULL,
    item          TEXT   NOT NULL,
    must_live     BIGINT NOT NULL,
    stored_before TEXT,
    stored_after  TEXT,
    changed_at    BIGINT,
    superseded    BIGINT NOT NULL,
    gone          BIGINT NOT NULL,
    PRIMARY KEY (invalidation, public_id, resource_type, delivery_type)
);
CREATE INDEX watched_name_gone ON watched_name (public_id) WHERE gone = 1;

-- A delivery URL to watch; `url` is the parsed URL as JSON, which is canonical.
CREATE TABLE watched_url (
    invalidation  TEXT   NOT NULL REFERENCES invalidation (id) ON DELETE CASCADE,
    url           TEXT   NOT NULL,
    seq           BIGINT NOT NULL,
    item          TEXT   NOT NULL,
    resource_type TEXT   NOT NULL,
    delivery_type TEXT   NOT NULL,
    public_id     TEXT   NOT NULL,
    coverage      TEXT   NOT NULL,
    derived       BIGINT NOT NULL,
    served_before TEXT,
    PRIMARY KEY (invalidation, url)
);

-- Judged sightings, thinned to runs of equal verdicts per cell: the first and the last of each run, and how many.
-- A cell keeps its first runs and its latest ones: later runs share the `slot`s of earlier ones.
CREATE TABLE sighting (
    invalidation   TEXT   NOT NULL REFERENCES invalidation (id) ON DELETE CASCADE,
    place          TEXT   NOT NULL,
    url            TEXT   NOT NULL,
    variant        TEXT   NOT NULL,
    slot           BIGINT NOT NULL,
    run            BIGINT NOT NULL,
    verdict        TEXT   NOT NULL,
    sightings      BIGINT NOT NULL,
    first_at       BIGINT NOT NULL,
    last_at        BIGINT NOT NULL,
    first_evidence TEXT   NOT NULL,
    last_evidence  TEXT   NOT NULL,
    PRIMARY KEY (invalidation, place, url, variant, slot)
);

-- Content an asset is known to have had: an old copy is recognised by it whatever its headers say.
CREATE TABLE earlier_content (
    cloud         TEXT   NOT NULL REFERENCES cloud (id),
    resource_type TEXT   NOT NULL,
    delivery_type TEXT   NOT NULL,
    public_id     TEXT   NOT NULL,
    content       TEXT   NOT NULL,
    known_at      BIGINT NOT NULL,
    PRIMARY KEY (cloud, public_id, resource_type, delivery_type, content)
);

-- The audit trail.
CREATE VIEW activity AS
SELECT o.id AS operation,
       (SELECT COUNT(*) FROM item i WHERE i.operation = o.id AND i.state = 'accepted') AS accepted,
       (SELECT COUNT(*) FROM item i WHERE i.operation = o.id AND i.state = 'failed') AS failed,
       v.id AS invalidation,
       v.outcome AS outcome,
       v.ended_at AS ended_at,
       v.sentence AS sentence
FROM operation o
LEFT JOIN invalidation v ON v.operation = o.id;

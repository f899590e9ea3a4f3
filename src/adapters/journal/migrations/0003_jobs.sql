-- Address that a member's SSH session came from.
ALTER TABLE member ADD COLUMN ssh_client TEXT;

-- What storage held before, of items whose name is not watched.
ALTER TABLE item ADD COLUMN stored_before TEXT;

-- An operation with calls to make: how, what the operator wants of it, who runs it (lease, fencing), how far it is.
CREATE TABLE job (
    operation      TEXT   NOT NULL PRIMARY KEY REFERENCES operation (id) ON DELETE CASCADE,
    terms          TEXT   NOT NULL,
    not_before     BIGINT,
    wish           TEXT   NOT NULL,
    wished_by      TEXT,
    wished_at      BIGINT,
    runner         TEXT,
    lease_until    BIGINT NOT NULL,
    fencing        BIGINT NOT NULL,
    run_since      BIGINT NOT NULL,
    settled_before BIGINT NOT NULL,
    wait_until     BIGINT,
    wait_because   TEXT,
    started_at     BIGINT,
    ended_at       BIGINT
);
CREATE INDEX job_open ON job (operation) WHERE ended_at IS NULL;

-- Something that an order named and that was refused before anything was sent.
CREATE TABLE refused (
    operation TEXT   NOT NULL REFERENCES operation (id) ON DELETE CASCADE,
    seq       BIGINT NOT NULL,
    typed     TEXT   NOT NULL,
    state     TEXT   NOT NULL,
    reason    TEXT   NOT NULL,
    PRIMARY KEY (operation, seq)
);

-- What was done to jobs and profiles beside ordering operations: only ever added to.
CREATE TABLE act (
    id        TEXT   NOT NULL PRIMARY KEY,
    cloud     TEXT   NOT NULL REFERENCES cloud (id),
    operation TEXT,
    kind      TEXT   NOT NULL,
    member    TEXT   NOT NULL,
    at        BIGINT NOT NULL,
    note      TEXT
);
CREATE INDEX act_by_time ON act (cloud, at, id);

-- A place that a member looks from on behalf of everybody.
CREATE TABLE place (
    cloud        TEXT   NOT NULL REFERENCES cloud (id),
    name         TEXT   NOT NULL,
    member       TEXT   NOT NULL,
    announced_at BIGINT NOT NULL,
    PRIMARY KEY (cloud, name)
);

-- A look that somebody asks such a member for, and its reply: lines of `allclear.probe/1`. Whoever asked takes it away.
CREATE TABLE errand (
    id       TEXT   NOT NULL PRIMARY KEY,
    cloud    TEXT   NOT NULL REFERENCES cloud (id),
    place    TEXT   NOT NULL,
    ask      TEXT   NOT NULL,
    asked_at BIGINT NOT NULL,
    taken_by TEXT,
    reply    TEXT
);
CREATE INDEX errand_untaken ON errand (cloud, place, id) WHERE taken_by IS NULL;

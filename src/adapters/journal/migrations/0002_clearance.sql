-- How long a place took to let go, from the call to the first sighting that proved it clear, in milliseconds. A row for
-- each place of an ended watch: later watches learn from it when to look.
CREATE TABLE clearance (
    invalidation TEXT   NOT NULL REFERENCES invalidation (id) ON DELETE CASCADE,
    place        TEXT   NOT NULL,
    took         BIGINT NOT NULL,
    PRIMARY KEY (invalidation, place)
);

-- A process that makes calls of a job beside the one that runs it, under a number that nobody else had or will have.
CREATE TABLE hand (
    operation   TEXT   NOT NULL REFERENCES job (operation) ON DELETE CASCADE,
    number      BIGINT NOT NULL,
    member      TEXT   NOT NULL,
    lease_until BIGINT NOT NULL,
    PRIMARY KEY (operation, number)
);
-- The last number that was given to a hand.
ALTER TABLE job ADD COLUMN hands BIGINT NOT NULL DEFAULT 0;

-- Whose call it is, of a shared job: the number of a hand, or the runner's fencing number below zero. 0: nobody waits
-- for its answer any more.
ALTER TABLE item ADD COLUMN sent_by BIGINT;

-- The cloud wants fewer calls: nobody sends any before this, and why.
ALTER TABLE cloud ADD COLUMN wait_until BIGINT;
ALTER TABLE cloud ADD COLUMN wait_because TEXT;

-- The newest of any cloud, and the next of a job, without sorting all that wait.
CREATE INDEX operation_by_order ON operation (ordered_at, id);
CREATE INDEX act_by_order ON act (at, id);
CREATE INDEX item_by_turn ON item (operation, state, seq);
DROP INDEX item_by_state;

-- URLs that are named to the cloud one by one once every call of the job has its answer: parsed URLs without their
-- rights of access, as JSON; NULL where there are none, or they were named.
ALTER TABLE job ADD COLUMN by_url TEXT;
-- What the cloud said to that.
ALTER TABLE job ADD COLUMN by_url_answer TEXT;

-- Why its process stopped sending, for an operator to let it go on.
ALTER TABLE job ADD COLUMN stopped_because TEXT;

-- Every asset that a refused name can mean, as JSON: the name itself is masked, and cannot be read again.
ALTER TABLE refused ADD COLUMN readings TEXT;

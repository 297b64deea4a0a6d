-- Where a running session is talked to; NULL once it has ended.
ALTER TABLE sessions ADD COLUMN socket TEXT;

-- The socket of a running session; NULL once it has ended.
ALTER TABLE sessions ADD COLUMN socket TEXT;

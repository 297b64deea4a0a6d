CREATE TABLE sessions (
  id TEXT NOT NULL UNIQUE,
  task TEXT NOT NULL,
  task_dir TEXT NOT NULL,
  root TEXT NOT NULL,
  branch TEXT,
  status TEXT NOT NULL DEFAULT 'running'
    CHECK (status IN ('running', 'completed', 'failed', 'stopped', 'checkpointed')),
  end_reason TEXT,
  end_outcome TEXT
    CHECK (end_outcome IN
      ('completed', 'failed', 'stagnated', 'limit', 'blocked', 'stopped', 'checkpointed')),
  worker_pid INTEGER,
  worker_start TEXT,
  agent_pid INTEGER,
  agent_start TEXT,
  agent TEXT NOT NULL,
  agent_session_id TEXT,
  iteration INTEGER NOT NULL DEFAULT 0,
  max_iterations INTEGER,
  current_story TEXT,
  stories_done INTEGER,
  stories_total INTEGER,
  limits TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(limits)),
  transport TEXT NOT NULL DEFAULT 'local',
  server_port INTEGER,
  input_tokens INTEGER NOT NULL DEFAULT 0,
  output_tokens INTEGER NOT NULL DEFAULT 0,
  cache_read_tokens INTEGER NOT NULL DEFAULT 0,
  cache_write_tokens INTEGER NOT NULL DEFAULT 0,
  cost_usd REAL,
  started_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  ended_at TEXT,
  legacy TEXT CHECK (json_valid(legacy)),
  CHECK ((status = 'running') = (ended_at IS NULL))
) STRICT;

-- The latest session of a task, and the sessions of a repository, without a scan.
CREATE INDEX sessions_by_task_dir ON sessions (task_dir, started_at);
CREATE INDEX sessions_by_task ON sessions (task, started_at);
CREATE INDEX sessions_by_root ON sessions (root, started_at);
CREATE INDEX sessions_by_status ON sessions (status, started_at);
CREATE INDEX sessions_by_start ON sessions (started_at);

CREATE TRIGGER sessions_end_is_final BEFORE UPDATE OF status, ended_at, end_reason, end_outcome ON sessions
WHEN OLD.status <> 'running'
BEGIN
  SELECT RAISE(ABORT, 'The end of a session is final');
END;

CREATE TABLE iterations (
  session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  iteration INTEGER NOT NULL,
  story TEXT NOT NULL,
  story_title TEXT NOT NULL,
  agent TEXT NOT NULL,
  model TEXT,
  attempt INTEGER NOT NULL DEFAULT 1,
  agent_session_id TEXT,
  head_before TEXT,
  head_after TEXT,
  outcome TEXT
    CHECK (outcome IN ('passed', 'open', 'check_failed', 'failed', 'aborted')),
  ending TEXT,
  error TEXT,
  stderr_tail TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(stderr_tail)),
  denials TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(denials)),
  passed TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(passed)),
  commits INTEGER NOT NULL DEFAULT 0,
  changed INTEGER NOT NULL DEFAULT 0,
  duration_ms REAL,
  input_tokens INTEGER,
  output_tokens INTEGER,
  cache_read_tokens INTEGER,
  cache_write_tokens INTEGER,
  cost_usd REAL,
  started_at TEXT NOT NULL,
  ended_at TEXT,
  PRIMARY KEY (session_id, iteration)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER iterations_end_is_final BEFORE UPDATE ON iterations
WHEN OLD.outcome IS NOT NULL
BEGIN
  SELECT RAISE(ABORT, 'The end of an iteration is final');
END;

-- What the official-account and mini-program half keeps beside tables.sql. Times are seconds since 1970 on the
-- box's clock.
CREATE TABLE IF NOT EXISTS fault_rules (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  path TEXT NOT NULL,
  what TEXT NOT NULL,
  share REAL NOT NULL,
  seed INTEGER NOT NULL,
  most INTEGER,
  value REAL,
  after INTEGER NOT NULL,
  seen INTEGER NOT NULL DEFAULT 0,
  struck INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE IF NOT EXISTS marks (
  delivery INTEGER NOT NULL,
  mark TEXT NOT NULL,
  PRIMARY KEY (delivery, mark)
);

CREATE TABLE IF NOT EXISTS counters (
  appid TEXT NOT NULL,
  path TEXT NOT NULL,
  day TEXT NOT NULL,
  used INTEGER NOT NULL,
  minute INTEGER NOT NULL,
  in_minute INTEGER NOT NULL,
  PRIMARY KEY (appid, path)
);

CREATE TABLE IF NOT EXISTS resets (
  appid TEXT NOT NULL,
  what TEXT NOT NULL,
  month TEXT NOT NULL,
  used INTEGER NOT NULL,
  PRIMARY KEY (appid, what, month)
);

CREATE TABLE IF NOT EXISTS follows (
  id INTEGER PRIMARY KEY,
  openid TEXT NOT NULL,
  came INTEGER NOT NULL,
  source INTEGER NOT NULL,
  at INTEGER NOT NULL
);

CREATE TABLE IF NOT EXISTS remarks (openid TEXT PRIMARY KEY, remark TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS blacklist (openid TEXT PRIMARY KEY, at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS tags (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS tagged (
  tag INTEGER NOT NULL,
  openid TEXT NOT NULL,
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  UNIQUE (tag, openid)
);

-- menuid 1 is the default menu; the others are conditional, the youngest matches first.
CREATE TABLE IF NOT EXISTS menus (menuid INTEGER PRIMARY KEY, buttons TEXT NOT NULL, matchrule TEXT);

CREATE TABLE IF NOT EXISTS media (
  media_id TEXT PRIMARY KEY,
  appid TEXT NOT NULL,
  type TEXT NOT NULL,
  filename TEXT NOT NULL,
  content BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at REAL
);

CREATE TABLE IF NOT EXISTS grants (
  openid TEXT NOT NULL,
  template_id TEXT NOT NULL,
  left INTEGER NOT NULL,
  PRIMARY KEY (openid, template_id)
);
CREATE TABLE IF NOT EXISTS client_messages (
  appid TEXT NOT NULL,
  client_msg_id TEXT NOT NULL,
  msgid INTEGER NOT NULL,
  PRIMARY KEY (appid, client_msg_id)
);

CREATE TABLE IF NOT EXISTS web_codes (
  code TEXT PRIMARY KEY,
  person TEXT NOT NULL,
  scope TEXT NOT NULL,
  snapshot INTEGER NOT NULL,
  created_at REAL NOT NULL,
  used_at REAL
);
CREATE TABLE IF NOT EXISTS web_tokens (
  token TEXT PRIMARY KEY,
  refresh_token TEXT NOT NULL,
  person TEXT NOT NULL,
  openid TEXT NOT NULL,
  unionid TEXT NOT NULL,
  scope TEXT NOT NULL,
  snapshot INTEGER NOT NULL,
  created_at REAL NOT NULL,
  expires_at REAL NOT NULL,
  refresh_until REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS web_tokens_refresh ON web_tokens (refresh_token);

CREATE TABLE IF NOT EXISTS js_tickets (
  ticket TEXT PRIMARY KEY,
  appid TEXT NOT NULL,
  type TEXT NOT NULL,
  expires_at REAL NOT NULL
);

CREATE TABLE IF NOT EXISTS logins (openid TEXT NOT NULL, at INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS logins_openid ON logins (openid, at);
CREATE TABLE IF NOT EXISTS secrets_sent (digest TEXT PRIMARY KEY, at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS links (
  link TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  path TEXT NOT NULL,
  query TEXT NOT NULL,
  env_version TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER
);

CREATE TABLE IF NOT EXISTS media_checks (
  trace_id TEXT PRIMARY KEY,
  openid TEXT NOT NULL,
  media_url TEXT NOT NULL,
  due_at REAL NOT NULL,
  told INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE IF NOT EXISTS shippings (
  transaction_id TEXT PRIMARY KEY,
  logistics_type INTEGER NOT NULL,
  delivery_mode INTEGER NOT NULL,
  packages TEXT NOT NULL,
  upload_time TEXT NOT NULL,
  uploaded_at REAL NOT NULL,
  finish_count INTEGER NOT NULL DEFAULT 0,
  shipped_at REAL,
  confirm_method INTEGER,
  received_at REAL,
  settled_at REAL,
  notified INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS complaints (transaction_id TEXT PRIMARY KEY, at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS ship_reminders (transaction_id TEXT PRIMARY KEY, at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS special_orders (transaction_id TEXT PRIMARY KEY, type INTEGER NOT NULL, delay_to INTEGER);

-- What the box keeps. Times are seconds since 1970 on the box's clock; money is fen.
CREATE TABLE IF NOT EXISTS kept (name TEXT PRIMARY KEY, value TEXT NOT NULL);

CREATE TABLE IF NOT EXISTS persons (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  phone TEXT,
  oa_openid TEXT NOT NULL UNIQUE,
  mp_openid TEXT NOT NULL UNIQUE,
  unionid TEXT NOT NULL UNIQUE,
  session_key TEXT NOT NULL,
  subscribed INTEGER NOT NULL DEFAULT 0,
  subscribe_at INTEGER,
  subscribe_scene TEXT,
  qr_scene INTEGER NOT NULL DEFAULT 0,
  qr_scene_str TEXT NOT NULL DEFAULT '',
  pending_ticket TEXT,
  created_at INTEGER NOT NULL
);

CREATE TABLE IF NOT EXISTS chats (
  id INTEGER PRIMARY KEY,
  person TEXT NOT NULL,
  sender TEXT NOT NULL,
  type TEXT NOT NULL,
  text TEXT NOT NULL,
  via TEXT,
  extra TEXT NOT NULL DEFAULT '{}',
  at INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS chats_person ON chats (person, id);

CREATE TABLE IF NOT EXISTS windows (
  openid TEXT NOT NULL,
  opened_by TEXT NOT NULL,
  until REAL NOT NULL,
  left INTEGER NOT NULL,
  PRIMARY KEY (openid, opened_by)
);

CREATE TABLE IF NOT EXISTS tokens (
  token TEXT PRIMARY KEY,
  appid TEXT NOT NULL,
  family TEXT NOT NULL,
  forced INTEGER NOT NULL DEFAULT 0,
  issued_at REAL NOT NULL,
  expires_at REAL NOT NULL,
  dead_at REAL
);
CREATE INDEX IF NOT EXISTS tokens_app ON tokens (appid, family, issued_at);

CREATE TABLE IF NOT EXISTS codes (
  ticket TEXT PRIMARY KEY,
  url TEXT NOT NULL UNIQUE,
  action TEXT NOT NULL,
  scene_id INTEGER,
  scene_str TEXT,
  expires_at REAL,
  created_at REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS codes_scene ON codes (action, scene_str, scene_id);

CREATE TABLE IF NOT EXISTS pictures (digest TEXT PRIMARY KEY, shows TEXT NOT NULL, content TEXT NOT NULL);

CREATE TABLE IF NOT EXISTS mp_codes (
  scene TEXT NOT NULL,
  page TEXT NOT NULL,
  env_version TEXT NOT NULL,
  created_at REAL NOT NULL,
  PRIMARY KEY (scene, page, env_version)
);

CREATE TABLE IF NOT EXISTS once_codes (
  code TEXT PRIMARY KEY,
  opens TEXT NOT NULL,
  appid TEXT NOT NULL,
  person TEXT NOT NULL,
  created_at REAL NOT NULL,
  used_at REAL
);

CREATE TABLE IF NOT EXISTS orders (
  out_trade_no TEXT PRIMARY KEY,
  asked TEXT NOT NULL,
  appid TEXT NOT NULL,
  openid TEXT NOT NULL,
  total_fen INTEGER NOT NULL,
  state TEXT NOT NULL,
  transaction_id TEXT UNIQUE,
  notify_url TEXT NOT NULL,
  created_at REAL NOT NULL,
  expires_at REAL NOT NULL,
  success_at INTEGER
);
CREATE INDEX IF NOT EXISTS orders_openid ON orders (openid, created_at);

CREATE TABLE IF NOT EXISTS prepays (
  prepay_id TEXT PRIMARY KEY,
  out_trade_no TEXT NOT NULL,
  created_at REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS prepays_order ON prepays (out_trade_no, created_at);

CREATE TABLE IF NOT EXISTS refunds (
  out_refund_no TEXT PRIMARY KEY,
  refund_id TEXT NOT NULL UNIQUE,
  out_trade_no TEXT NOT NULL,
  asked TEXT NOT NULL,
  refund_fen INTEGER NOT NULL,
  status TEXT NOT NULL,
  notify_url TEXT,
  created_at INTEGER NOT NULL,
  due_at REAL NOT NULL,
  success_at INTEGER
);
CREATE INDEX IF NOT EXISTS refunds_order ON refunds (out_trade_no);
CREATE INDEX IF NOT EXISTS refunds_due ON refunds (status, due_at);

-- AUTOINCREMENT: an attempt still under way during a reset must not meet a new delivery of the same id.
CREATE TABLE IF NOT EXISTS deliveries (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  what TEXT NOT NULL,
  person TEXT,
  url TEXT NOT NULL,
  payload TEXT NOT NULL,
  state TEXT NOT NULL,
  tries INTEGER NOT NULL DEFAULT 0,
  next_at REAL,
  created_at REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (state, next_at);

CREATE TABLE IF NOT EXISTS attempts (
  id INTEGER PRIMARY KEY,
  delivery INTEGER NOT NULL,
  at REAL NOT NULL,
  status INTEGER,
  answer TEXT NOT NULL,
  verdict TEXT NOT NULL,
  took_ms INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS attempts_delivery ON attempts (delivery, id);

-- The merchant's money in the box, beyond orders and refunds. Times are seconds since 1970 on the box's clock.
CREATE TABLE IF NOT EXISTS funds (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  business_no TEXT NOT NULL,
  flow_no TEXT NOT NULL,
  kind TEXT NOT NULL,
  amount_fen INTEGER NOT NULL,
  note TEXT NOT NULL,
  voucher TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS funds_at ON funds (at, id);
CREATE INDEX IF NOT EXISTS funds_business ON funds (business_no, kind);

-- An order whose money waits to be shared; thawed_at is set once, for good.
CREATE TABLE IF NOT EXISTS frozen (
  transaction_id TEXT PRIMARY KEY,
  out_trade_no TEXT NOT NULL,
  thaw_at REAL NOT NULL,
  thawed_at INTEGER
);

CREATE TABLE IF NOT EXISTS combined (
  combine_out_trade_no TEXT PRIMARY KEY,
  asked TEXT NOT NULL,
  appid TEXT NOT NULL,
  openid TEXT NOT NULL,
  notify_url TEXT NOT NULL,
  created_at REAL NOT NULL
);

CREATE TABLE IF NOT EXISTS combined_parts (
  out_trade_no TEXT PRIMARY KEY,
  combine_out_trade_no TEXT NOT NULL,
  position INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS combined_parts_whole ON combined_parts (combine_out_trade_no, position);

CREATE TABLE IF NOT EXISTS combined_prepays (
  prepay_id TEXT PRIMARY KEY,
  combine_out_trade_no TEXT NOT NULL,
  created_at REAL NOT NULL
);

CREATE TABLE IF NOT EXISTS abnormal_refunds (
  out_refund_no TEXT PRIMARY KEY,
  channel TEXT NOT NULL,
  received_by TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS bills (
  name TEXT PRIMARY KEY,
  content BLOB NOT NULL
);

CREATE TABLE IF NOT EXISTS bill_tokens (
  token TEXT PRIMARY KEY,
  bill TEXT NOT NULL,
  gzip INTEGER NOT NULL,
  expires_at REAL NOT NULL
);

CREATE TABLE IF NOT EXISTS receivers (
  type TEXT NOT NULL,
  account TEXT NOT NULL,
  appid TEXT NOT NULL,
  name TEXT,
  relation_type TEXT NOT NULL,
  custom_relation TEXT,
  split_fails TEXT,
  return_fails TEXT,
  PRIMARY KEY (type, account)
);

CREATE TABLE IF NOT EXISTS splits (
  out_order_no TEXT PRIMARY KEY,
  order_id TEXT NOT NULL UNIQUE,
  transaction_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  asked TEXT NOT NULL,
  thaws INTEGER NOT NULL,
  state TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  due_at REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS splits_transaction ON splits (transaction_id);
CREATE INDEX IF NOT EXISTS splits_due ON splits (state, due_at);

CREATE TABLE IF NOT EXISTS split_parts (
  detail_id TEXT PRIMARY KEY,
  out_order_no TEXT NOT NULL,
  position INTEGER NOT NULL,
  type TEXT NOT NULL,
  account TEXT NOT NULL,
  amount_fen INTEGER NOT NULL,
  description TEXT NOT NULL,
  result TEXT NOT NULL,
  fail_reason TEXT,
  created_at INTEGER NOT NULL,
  finished_at INTEGER
);
CREATE INDEX IF NOT EXISTS split_parts_split ON split_parts (out_order_no, position);

CREATE TABLE IF NOT EXISTS split_returns (
  out_return_no TEXT PRIMARY KEY,
  return_id TEXT NOT NULL UNIQUE,
  out_order_no TEXT NOT NULL,
  asked TEXT NOT NULL,
  return_mchid TEXT NOT NULL,
  amount_fen INTEGER NOT NULL,
  description TEXT NOT NULL,
  result TEXT NOT NULL,
  fail_reason TEXT,
  created_at INTEGER NOT NULL,
  due_at REAL NOT NULL,
  finished_at INTEGER
);
CREATE INDEX IF NOT EXISTS split_returns_split ON split_returns (out_order_no);
CREATE INDEX IF NOT EXISTS split_returns_due ON split_returns (result, due_at);

CREATE TABLE IF NOT EXISTS transfers (
  out_bill_no TEXT PRIMARY KEY,
  transfer_bill_no TEXT NOT NULL UNIQUE,
  asked TEXT NOT NULL,
  appid TEXT NOT NULL,
  openid TEXT NOT NULL,
  amount_fen INTEGER NOT NULL,
  state TEXT NOT NULL,
  fail_reason TEXT,
  package_info TEXT NOT NULL UNIQUE,
  notify_url TEXT,
  user_name TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  due_at REAL
);
CREATE INDEX IF NOT EXISTS transfers_openid ON transfers (openid, created_at);
CREATE INDEX IF NOT EXISTS transfers_due ON transfers (due_at);

-- Orders that are not paid inside WeChat, and the addresses that lead to their prepay_ids.
CREATE TABLE IF NOT EXISTS trade_kinds (
  out_trade_no TEXT PRIMARY KEY,
  kind TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS pay_addresses (
  address TEXT PRIMARY KEY,
  prepay_id TEXT NOT NULL,
  until REAL
);
